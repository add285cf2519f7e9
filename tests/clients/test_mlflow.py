"""mlflow's deployment client for SageMaker."""

from collections.abc import Callable

from ..local.conformance.workshop import IMAGE, Workshop
from .conftest import Client


def test_a_model_is_deployed_updated_asked_and_deleted(client: Callable[[str], Client], workshop: Workshop) -> None:
    done = client("mlflow").script("mlflow_deployments.py", workshop.role, workshop.bucket, IMAGE)
    assert (done["first"], done["second"]) == ([11.0, 22.0], [22.0, 44.0])
    assert done["status"] == "InService"
    assert ("mlflow-sum" in done["before"], "mlflow-sum" in done["after"]) == (True, False)
