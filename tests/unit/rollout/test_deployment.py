"""What lineage hears of a version that begins to serve."""

from collections.abc import Iterable

from tests.recording_fakes import MemoryLineage
from trimtab.errors import ServiceRefused
from trimtab.ledger.lineage_graph import LineageEdge, LineageNode
from trimtab.rollout.deployment import DEPLOYMENT, Deployment, config_of

GROUP = "arn:aws-cn:sagemaker:cn-north-1:123456789012:model-package/trimtab-test-tiny"
CHAMPION = {"version": 3, "package_arn": f"{GROUP}/3", "config": "trimtab-test-tiny-v3-0011aabb", "run": "run-3"}
ENDPOINT = "trimtab-test-tiny"


class RefusingLineage:
    """SageMaker keeps no lineage."""

    def record(self, nodes: Iterable[LineageNode], edges: Iterable[LineageEdge]) -> dict[str, str]:
        raise ServiceRefused("SageMaker keeps no lineage: throttled")


def test_a_deployment_comes_of_its_package_and_is_on_the_endpoint_of_the_same_account() -> None:
    lineage = MemoryLineage()
    found = Deployment(CHAMPION, ENDPOINT, "promotion-1").note(lineage)
    (action,) = [node for node in lineage.nodes.values() if node.type == DEPLOYMENT]
    assert found == {"action": f"arn:{action.name}"}
    assert action.source == f"arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/{ENDPOINT}"
    assert lineage.deployed(action.source) == CHAMPION["config"]
    assert lineage.edges == {("run-3-package", "ContributedTo", action.name)}


def test_the_same_config_that_serves_again_is_another_deployment_and_a_retry_is_not() -> None:
    names = [Deployment(CHAMPION, ENDPOINT, by).name for by in ("promotion-1", "promotion-1", "rollback-1")]
    assert names[0] == names[1] != names[2]
    assert {config_of(name) for name in names} == {CHAMPION["config"]}


def test_a_refusal_is_noted_and_stops_nothing() -> None:
    assert "throttled" in Deployment(CHAMPION, ENDPOINT, "promotion-1").note(RefusingLineage())["error"]
