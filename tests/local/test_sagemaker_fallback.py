"""A host that forbids user namespaces: training and serving still work, processing says that it cannot."""

import json
import sys
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from .conftest import start_local_cloud
from .sagemaker_support import Studio, unique
from .test_lambda_fallback import WITHOUT_NAMESPACES
from .test_sagemaker_processing import SCRIPT, request
from .test_sagemaker_training import channel


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("restricted")
    running, process = start_local_cloud(folder, program=(sys.executable, "-c", WITHOUT_NAMESPACES))
    yield Studio(running)
    process.terminate()
    process.wait(10)


def test_a_script_trains_from_a_source_channel(studio: Studio) -> None:
    name = unique("train")
    asked = studio.training_request(name, {"train.py": "import os; print(os.listdir(os.environ['SM_MODEL_DIR']))"})
    asked["HyperParameters"]["sagemaker_submit_directory"] = json.dumps("/opt/ml/input/data/code/sourcedir.tar.gz")
    asked["InputDataConfig"] = [channel(f"s3://{studio.bucket}/{name}/sourcedir.tar.gz", "code")]
    studio.sagemaker.create_training_job(**asked)
    job = studio.ended_training(name)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_a_model_is_served(studio: Studio) -> None:
    assert studio.ask(studio.endpoint(studio.config({"version": "1"})))["version"] == "1"


def test_processing_is_refused_with_the_reason(studio: Studio) -> None:
    with pytest.raises(ClientError, match="host without unprivileged user namespaces"):
        studio.sagemaker.create_processing_job(**request(studio, unique("process"), SCRIPT))


def test_the_server_says_that_networks_are_not_isolated(studio: Studio) -> None:
    assert "EnableNetworkIsolation only withholds credentials" in studio.cloud.log.read_text()
