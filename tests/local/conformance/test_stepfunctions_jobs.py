"""Step Functions: tasks that wait for SageMaker's jobs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from .account import Account
from .jobs import processing, transform, tuning
from .machines import Machines, task
from .workshop import Workshop

pytestmark = [pytest.mark.stepfunctions, pytest.mark.sagemaker]

SCRIPT = "import pathlib; pathlib.Path('/opt/ml/processing/out/done').write_text('yes')"
FAILS = "raise SystemExit('no data')"


def trained(workshop: Workshop, name: str) -> dict[str, Any]:
    return workshop.training(name, "import pathlib; pathlib.Path('/opt/ml/model/m').write_text('trained')")


def processed(workshop: Workshop, name: str) -> dict[str, Any]:
    workshop.put(f"{name}/rows/0.csv", "1")
    return processing(workshop, name, SCRIPT)


def transformed(workshop: Workshop, name: str) -> dict[str, Any]:
    workshop.put(f"{name}/in/a.csv", "a,1\n")
    return transform(workshop, name)


def tuned(workshop: Workshop, name: str) -> dict[str, Any]:
    return tuning(workshop, name, ResourceLimits={"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1})


@pytest.fixture
def machines(account: Account) -> Machines:
    return Machines(account)


@pytest.fixture
def workshop(account: Account) -> Workshop:
    return Workshop(account)


@pytest.mark.parametrize(
    ("kind", "request_of"),
    [
        ("TrainingJob", trained),
        ("ProcessingJob", processed),
        ("TransformJob", transformed),
        ("HyperParameterTuningJob", tuned),
    ],
)
def test_a_machine_waits_for_a_job_and_gets_its_description(
    machines: Machines, workshop: Workshop, kind: str, request_of: Callable[[Workshop, str], dict[str, Any]]
) -> None:
    name = workshop.account.unique("job")[-32:].lstrip("-")
    request = request_of(workshop, name)
    machine = machines.create({"Run": task(f"arn:aws:states:::sagemaker:create{kind}.sync", request)})
    ended = machines.ended(machines.start(machine), 120)
    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    assert (output[f"{kind}Name"], output[f"{kind}Status"]) == (name, "Completed")
    assert isinstance(output["CreationTime"], int)


def test_a_failed_job_fails_its_task_with_its_description(machines: Machines, workshop: Workshop) -> None:
    name = workshop.account.unique("job")
    request = workshop.training(name, FAILS)
    machine = machines.create({"Run": task("arn:aws:states:::sagemaker:createTrainingJob.sync", request)})
    ended = machines.ended(machines.start(machine), 120)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    cause = json.loads(ended["cause"])
    assert (cause["TrainingJobName"], cause["TrainingJobStatus"]) == (name, "Failed")
    assert machines.outcome(machine)["error"] == "SageMaker.ResourceInUseException"


def test_stopping_an_execution_stops_its_job(account: Account, machines: Machines, workshop: Workshop) -> None:
    name = workshop.account.unique("job")
    request = workshop.training(name, "import time; time.sleep(600)")
    machine = machines.create({"Run": task("arn:aws:states:::sagemaker:createTrainingJob.sync", request)})
    execution = machines.start(machine)
    account.wait_until(lambda: "TaskSubmitted" in machines.kinds(execution), 30)
    machines.client.stop_execution(executionArn=execution)
    assert workshop.ended("training", name)["TrainingJobStatus"] == "Stopped"
    account.wait_until(lambda: machines.kinds(execution)[-1] == "ExecutionAborted")
