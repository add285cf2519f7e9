"""Every way of searching through the machine, and a model in an image of its author's own: by AWS's APIs only.

The steps of a model build on each other: a failure makes those after it fail too.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from localcloud.images.environments import VARIABLE
from tests.fixtures.models.tiny import data
from tests.local.conftest import ROOT, LocalCloud, running_cloud
from tests.local.loop_support import Loop, deploy, environment

FIXTURE = ROOT / "tests" / "fixtures" / "models" / "own_image"
RECIPES = ROOT / "tests" / "fixtures" / "images" / "recipes.toml"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/pumps:3"
TRIALS = 3
SECONDS = 300
SEARCHED: dict[str, dict[str, Any]] = {
    "drawn": {"strategy": "random"},
    "learnt": {"strategy": "bayesian"},
    "banded": {"strategy": "hyperband", "min_resource": 1, "max_resource": 4},
}
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """One model for each way of searching; all of them in the image that the fixture's recipe describes."""
    folder = tmp_path_factory.mktemp("searches")
    for name, tuning in SEARCHED.items():
        shutil.copytree(FIXTURE, folder / name)
        spec = yaml.safe_load((FIXTURE / "model.yaml").read_text()) | {"name": name}
        spec["training"]["tuning"] |= tuning
        (folder / name / "model.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(VARIABLE, str(RECIPES))
        subprocess.run(
            [sys.executable, "-m", "localcloud.toolchain", "images"], cwd=ROOT, env=dict(os.environ), check=True
        )
        (folder / "cloud").mkdir()
        with running_cloud(folder / "cloud") as running:
            for name, value in environment(running).items():
                patched.setenv(name, value)
            deploy(running, running.state_dir, ",".join(str(folder / name) for name in SEARCHED))
            yield running


@pytest.fixture(scope="module")
def loops(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Loop]:
    """All models, to which January was dropped: their trainings run side by side."""
    january = data.write_labelled(1, tmp_path_factory.mktemp("pumps")).read_bytes()
    found = {name: Loop(cloud, name) for name in SEARCHED}
    for loop in found.values():
        assert loop.drop("january.parquet", january).state == "Accepted"
    return found


def jobs(loop: Loop) -> list[dict[str, Any]]:
    """The model's tuning jobs, oldest first."""
    listed = loop.sagemaker.list_hyper_parameter_tuning_jobs(SortBy="CreationTime", SortOrder="Ascending")
    names = [each["HyperParameterTuningJobName"] for each in listed["HyperParameterTuningJobSummaries"]]
    return [
        loop.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        for name in names
        if name.startswith(loop.model)
    ]


def reports(loop: Loop) -> list[dict[str, Any]]:
    """search.json of every run, in order of their names."""
    keys = [key for key in loop.keys("ArtifactsBucket", f"{loop.model}/runs/") if key.endswith("/search.json")]
    bodies = [loop.s3.get_object(Bucket=loop.data["ArtifactsBucket"], Key=key)["Body"].read() for key in sorted(keys)]
    return [json.loads(body) for body in bodies]


@pytest.mark.parametrize("name", SEARCHED)
def test_a_model_that_is_searched_for_in_this_way_is_registered(loops: dict[str, Loop], name: str) -> None:
    ended = loops[name].next("training", seconds=SECONDS)
    assert (ended.status, ended.state) == ("SUCCEEDED", "Registered"), ended.output
    (report,) = reports(loops[name])
    assert (report["strategy"], report["tried"], report["failed"]) == (SEARCHED[name]["strategy"], TRIALS, 0)
    values = [trial["value"] for trial in report["trials"] if trial["value"] is not None]
    assert max(values) == next(t["value"] for t in report["trials"] if t["hyperparameters"] == report["best"])
    (job,) = jobs(loops[name])
    assert job["HyperParameterTuningJobConfig"]["Strategy"] == str(SEARCHED[name]["strategy"]).capitalize()
    assert "WarmStartConfig" not in job


def test_hyperband_is_told_its_resources_and_sets_no_other_rule(loops: dict[str, Loop]) -> None:
    (job,) = jobs(loops["banded"])
    config = job["HyperParameterTuningJobConfig"]
    assert config["StrategyConfig"]["HyperbandStrategyConfig"] == {"MinResource": 1, "MaxResource": 4}
    assert config.get("TrainingJobEarlyStoppingType", "Off") == "Off"


def test_a_second_search_by_learning_begins_with_the_first(loops: dict[str, Loop]) -> None:
    loop = loops["learnt"]
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{loop.prefix}-training"
    request = {"model": "learnt", "at": loop.cloud.now(), "reason": "look again", "requested_by": "ada"}
    loop.states.start_execution(stateMachineArn=machine, input=json.dumps(request))
    loop.next("training", seconds=SECONDS)
    before, after = jobs(loop)
    parents = after["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
    assert [each["HyperParameterTuningJobName"] for each in parents] == [before["HyperParameterTuningJobName"]]
    assert after["TrainingJobStatusCounters"]["Completed"] + after["TrainingJobStatusCounters"]["Stopped"] == TRIALS


def test_training_evaluation_and_registry_name_the_image_of_one_s_own(loops: dict[str, Loop]) -> None:
    loop = loops["drawn"]
    (version,) = loop.versions()
    assert version["InferenceSpecification"]["Containers"][0]["Image"] == IMAGE
    trained = loop.sagemaker.list_training_jobs(NameContains=loop.prefix)["TrainingJobSummaries"]
    images = {
        loop.sagemaker.describe_training_job(TrainingJobName=each["TrainingJobName"])["AlgorithmSpecification"][
            "TrainingImage"
        ]
        for each in trained
    }
    assert images == {IMAGE}
