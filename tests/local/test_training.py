"""A training with a search, on spot capacity, that fails and is resumed: on the local cloud, through AWS's APIs only.

The steps build on each other: a failure makes those after it fail too.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from tests.fixtures.models.tiny import data
from tests.local.conftest import LocalCloud, wait_until
from tests.local.loop_support import Ended, Loop, deploy, environment
from trimtab.aws.ledger_table import LedgerTable

MODEL = "tests/fixtures/models/searched"
SPEED = 20
"""Timeouts of states run in the clock's time, jobs in real time: faster, and a busy machine would miss them."""
pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def loop(own_cloud: LocalCloud) -> Iterator[Loop]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in environment(own_cloud).items():
            patched.setenv(name, value)
        deploy(own_cloud, own_cloud.state_dir, MODEL)
        own_cloud.set_speed(SPEED)
        yield Loop(own_cloud, "searched")


@pytest.fixture(scope="module")
def first(loop: Loop, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The first training, whose instance was taken away once; how it ended."""
    january = data.write_labelled(1, tmp_path_factory.mktemp("pumps"))
    assert loop.drop("january.parquet", january.read_bytes()).state == "Accepted"
    run = wait_until(lambda: runs(loop), 60)[0]
    wait_until(lambda: loop.keys("ArtifactsBucket", f"searched/runs/{run}/checkpoints/"), 180)
    loop.cloud.admin("sagemaker/interrupt", {"TrainingJobName": run})
    return loop.next("training")


def ledger(loop: Loop) -> LedgerTable:
    return LedgerTable(loop.cloud.client("dynamodb"), loop.data["LedgerTable"], "searched")


def runs(loop: Loop) -> list[str]:
    return [entry.subject for entry in ledger(loop).entries("training.leased")]


def artifact(loop: Loop, key: str) -> bytes:
    found: bytes = loop.s3.get_object(Bucket=loop.data["ArtifactsBucket"], Key=f"searched/{key}")["Body"].read()
    return found


def start(loop: Loop) -> str:
    """A person asks for a training; the execution's ARN."""
    machine = f"arn:aws:states:us-east-1:123456789012:stateMachine:{loop.prefix}-training"
    request = {"model": "searched", "at": loop.cloud.now(), "reason": "look again", "requested_by": "ada"}
    started = loop.states.start_execution(stateMachineArn=machine, input=json.dumps(request))
    return str(started["executionArn"])


def job_of(loop: Loop, run: str) -> dict[str, Any]:
    found: dict[str, Any] = loop.sagemaker.describe_training_job(TrainingJobName=run)
    return found


def searches(loop: Loop) -> list[dict[str, Any]]:
    """The tuning jobs, oldest first."""
    listed = loop.sagemaker.list_hyper_parameter_tuning_jobs(SortBy="CreationTime", SortOrder="Ascending")
    names = [each["HyperParameterTuningJobName"] for each in listed["HyperParameterTuningJobSummaries"]]
    return [loop.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name) for name in names]


def test_a_search_some_of_whose_trials_fail_finds_what_the_candidate_is_trained_with(loop: Loop, first: Ended) -> None:
    assert (first.status, first.state) == ("SUCCEEDED", "Registered")
    (run,) = runs(loop)
    report = json.loads(artifact(loop, f"runs/{run}/search.json"))
    assert (report["tried"], report["failed"]) == (3, 1)
    assert report["best"] == {"max_depth": "6"}
    assert job_of(loop, run)["HyperParameters"]["max_depth"] == "6"
    assert "train.py" in next(trial["failure"] for trial in report["trials"] if trial["value"] is None)
    assert artifact(loop, f"runs/{run}/search.html").count(b"<circle") == 2
    (search,) = searches(loop)
    assert search["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"] == 2


def test_a_job_whose_instance_was_taken_away_goes_on_from_its_checkpoint(loop: Loop, first: Ended) -> None:
    (run,) = runs(loop)
    job = job_of(loop, run)
    assert job["EnableManagedSpotTraining"] is True
    statuses = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert statuses.count("Interrupted") == 1
    told = CliRunner().invoke(app, ["logs", "searched", run[-8:]]).stdout
    assert f"{run}/algo-1" in told
    assert "goes on from step-001" in told
    assert told.splitlines()[-1] == f"run {run} ended Registered: all gates passed"


def test_a_failed_run_that_is_redriven_goes_on_and_registers_once(loop: Loop, first: Ended) -> None:
    fault = {"kind": "error", "service": "sagemaker", "operation": "CreateProcessingJob", "code": "ResourceNotFound"}
    loop.cloud.admin("faults", {"faults": [fault | {"status": 400}]})
    arn = start(loop)
    run = wait_until(lambda: runs(loop)[1:], 60)[0]
    wait_until(lambda: loop.keys("ArtifactsBucket", f"searched/runs/{run}/checkpoints/"), 180)
    loop.cloud.admin("sagemaker/interrupt", {"TrainingJobName": run})
    failed = loop.next("training")
    assert (failed.status, failed.state) == ("FAILED", "ResumeTraining")
    (released,) = ledger(loop).entries("training.released", run)
    assert released.data["released"] is True, "the lease is free while people mend the cause"
    loop.cloud.admin("faults", {"faults": []})
    loop.states.redrive_execution(executionArn=arn)
    wait_until(lambda: loop.states.describe_execution(executionArn=arn)["status"] == "SUCCEEDED", 120)
    assert [version["ModelPackageVersion"] for version in loop.versions()] == [2, 1]
    assert len(searches(loop)) == 2, "what had been found and trained was not done again"
    assert not [entry for entry in ledger(loop).entries("training.leased") if entry.subject == f"{run}-r1"]
    assert ledger(loop).entries("training.released", f"{run}-r1")[0].data["outcome"] == "Registered"


def test_a_later_search_learns_from_the_one_before(loop: Loop) -> None:
    before, after = searches(loop)
    parents = after["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
    assert [each["HyperParameterTuningJobName"] for each in parents] == [before["HyperParameterTuningJobName"]]


def test_a_run_that_fails_says_which_line_of_whose_code_failed(loop: Loop, first: Ended) -> None:
    table = data.month(2).assign(load=lambda rows: rows["load"].where(rows.index != 7, 950.0))
    stream = io.BytesIO()
    table.to_parquet(stream, index=False)
    assert loop.drop("february.parquet", stream.getvalue()).state == "Accepted"
    loop.settle("training")
    start(loop)
    assert loop.next("training").status == "FAILED"
    reason = ledger(loop).entries("training.released")[-1].data["reason"]
    line = _line_of("raise ValueError")
    assert f"your code: train.py:{line} in fit: ValueError: a load beyond what a pump bears" in reason


def test_a_stopped_execution_gives_its_lease_to_whoever_waits(loop: Loop, first: Ended) -> None:
    before = len(runs(loop))
    stopped = start(loop)
    held = wait_until(lambda: runs(loop)[before:], 60)[0]
    waiting = start(loop)
    wait_until(lambda: loop.states.describe_execution(executionArn=waiting)["status"] == "SUCCEEDED", 60)
    assert len(runs(loop)) == before + 1, "one training at a time"
    loop.states.stop_execution(executionArn=stopped)
    wait_until(lambda: len(runs(loop)) == before + 2, 60)
    assert ledger(loop).entries("training.released", held)[0].data["reason"] == "its execution was stopped"
    for execution in loop.executions("training"):
        loop.states.stop_execution(executionArn=execution["executionArn"])


def _line_of(text: str) -> int:
    lines = Path(MODEL, "train.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)
