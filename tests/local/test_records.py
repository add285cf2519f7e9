"""Versions and the records of how they were made, on the local cloud: registered, tracked, compared, trained again.

The steps build on each other: a failure makes those after it fail too.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from cli.__main__ import app
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, wait_until
from tests.local.loop_support import FIXTURE, Loop, deploy, environment

pytestmark = pytest.mark.local
CARD = {"purpose": "Warns of pumps that will fail.", "contacts": ["pumps@example.org"]}


def with_card_and_tracking(folder: Path) -> Path:
    """The fixture model, with a card, and told to Weights & Biases and to an MLflow server that nobody has started."""
    model = folder / "tiny"
    shutil.copytree(ROOT / FIXTURE, model, ignore=shutil.ignore_patterns("__pycache__"))
    spec = yaml.safe_load((model / "model.yaml").read_text())
    spec |= {"card": CARD, "tracking": {"wandb": "pumps", "mlflow": "http://127.0.0.1:9"}}
    (model / "model.yaml").write_text(yaml.safe_dump(spec))
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pumps")


@pytest.fixture(scope="module")
def loop(own_cloud: LocalCloud, folder: Path) -> Iterator[Loop]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, str(with_card_and_tracking(folder)))
        yield Loop(own_cloud)


def trimtab(*arguments: str, status: int = 0) -> str:
    """What a command prints."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == status, f"{done.output}\n{done.exception!r}"
    return done.stdout


def of_json(*arguments: str) -> Any:
    return json.loads(trimtab(*arguments, "--json"))


def test_a_version_is_registered_with_record_reports_card_and_lineage(loop: Loop, folder: Path) -> None:
    loop.drop("january.parquet", data.write_labelled(1, folder).read_bytes())
    assert loop.next("training").state == "Registered"
    (version,) = loop.versions()
    metrics, baselines = version["ModelMetrics"], version["DriftCheckBaselines"]
    assert "Explainability" in metrics
    assert baselines["ModelDataQuality"]["Statistics"]["S3Uri"].endswith("/baseline.json")
    assert version["InferenceSpecification"]["SupportedRealtimeInferenceInstanceTypes"]
    properties = version["CustomerMetadataProperties"]
    assert {"record_sha256", "spec_sha256", "policy_sha256", "image"} <= set(properties)
    card = loop.sagemaker.describe_model_card(ModelCardName=properties["run"])
    content = json.loads(card["Content"])
    assert content["intended_uses"]["purpose_of_model"] == CARD["purpose"]
    assert card["ModelCardStatus"] == "PendingReview"
    assert any(key.endswith(f"{properties['run']}/model_card.html") for key in loop.keys("ArtifactsBucket", "tiny/"))
    (entry,) = [each for each in of_json("history", "tiny") if each["kind"] == "candidate.registered"]
    assert "error" not in entry["data"]["lineage"], entry["data"]["lineage"]
    assert "error" not in entry["data"]["model_card"], entry["data"]["model_card"]
    graph = loop.sagemaker.query_lineage(StartArns=[package_artifact(loop, version)], Direction="Ascendants")
    assert {vertex["Type"] for vertex in graph["Vertices"]} == {
        "ModelPackage", "Model", "ModelTraining", "DataSet", "Code", "Image",
    }  # fmt: skip


def package_artifact(loop: Loop, version: dict[str, Any]) -> str:
    found = loop.sagemaker.list_artifacts(SourceUri=version["ModelPackageArn"])["ArtifactSummaries"]
    return str(found[0]["ArtifactArn"])


def test_the_run_is_written_for_wandb_and_a_silent_mlflow_hinders_nobody(loop: Loop) -> None:
    def tracked() -> Any:
        return [entry for entry in of_json("history", "tiny") if entry["kind"] == "run.tracked"]

    (entry,) = wait_until(tracked, 60, lambda: "the run was not tracked")
    assert "does not answer" in entry["data"]["trackers"]["mlflow"]
    assert entry["data"]["trackers"]["wandb"].endswith(".wandb")
    assert [key for key in loop.keys("ArtifactsBucket", "tiny/tracking/wandb/") if key.endswith(".wandb")]


def test_lineage_tells_what_made_a_version(loop: Loop) -> None:
    made = of_json("lineage", "tiny@1")
    assert [source["key"] for source in made["dataset"]["sources"]] == ["tiny/data/january.parquet"]
    assert made["hyperparameters"] == {"max_depth": 6, "min_samples_leaf": 20}
    assert {"training.leased", "dataset.built", "candidate.judged", "candidate.registered"} <= {
        decision["kind"] for decision in made["decisions"]
    }
    assert "january.parquet" in trimtab("lineage", "tiny@1")


def test_a_version_is_trained_again_to_the_same_model_and_nothing_is_registered(loop: Loop) -> None:
    found = of_json("reproduce", "tiny@1")
    assert found["reproduced"], found
    assert found["digests"] == "equal" or all(each["within"] for each in found["metrics"])
    assert len(loop.versions()) == 1
    assert loop.sagemaker.describe_training_job(TrainingJobName=found["job"])["TrainingJobStatus"] == "Completed"


def test_the_same_asked_for_again_differs_in_nothing_that_was_measured(loop: Loop) -> None:
    loop.settle("training")
    started = loop.states.start_execution(
        stateMachineArn="arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-tiny-training",
        input=json.dumps({"model": "tiny", "at": loop.cloud.now(), "cause": "person", "requested_by": "ada"}),
    )
    assert started["executionArn"]
    assert loop.next("training").state == "Registered"
    assert loop.versions()[0]["CustomerMetadataProperties"]["submitted-by"] == "ada"
    found = of_json("compare", "tiny@1", "tiny@2")
    assert not found["data"], "the same data were asked to be trained on again"
    assert found["same_holdout"]
    assert not found["metrics"], "the same data, code and seed give the same model"


def test_an_altered_record_is_not_relied_on(loop: Loop) -> None:
    run = loop.versions()[0]["CustomerMetadataProperties"]["run"]
    key = f"tiny/records/{run}/record.json"
    loop.s3.put_object(Bucket=loop.data["ArtifactsBucket"], Key=key, Body=b'{"seed": 1}')
    done = CliRunner().invoke(app, ["lineage", "tiny@2"])
    assert "was changed after it was registered" in str(done.exception)
    loop.approve(loop.versions()[0]["ModelPackageArn"])
    assert loop.next("promotion").state == "Refused"
    assert loop.versions()[0]["ModelApprovalStatus"] == "Rejected"
