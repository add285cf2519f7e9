"""resume_training as the training machine calls it: at the end of a failed run, and at the beginning of its redrive."""

import pytest

from functions.lease_training.handler import LeaseTrainingEvent
from functions.lease_training.handler import handler as lease
from functions.release_training.handler import ReleaseTrainingEvent, release
from functions.resume_training.handler import ResumeTrainingEvent, handler
from tests.billing_fakes import MemoryBills
from tests.fakes import NOON, fake_runtime
from tests.fixtures import tiny
from trimtab.entrypoint import Runtime
from trimtab.errors import TrainingFailed


def failed(runtime: Runtime) -> str:
    asked = LeaseTrainingEvent(model="tiny", at=NOON, execution="execution-11111111")
    run = str(lease.call(asked, runtime)["run"])
    end(runtime, run, fence=1)
    return run


def end(runtime: Runtime, run: str, fence: int, attempt: int = 0, outcome: str = "Failed") -> dict[str, object]:
    event = ReleaseTrainingEvent(
        model="tiny", at=NOON, run=run, fence=fence, attempt=attempt, outcome=outcome, reason="because"
    )
    return release(event, runtime, MemoryBills())


def resume(runtime: Runtime, run: str, redrives: int, failed_after: int = 0) -> dict[str, object]:
    event = ResumeTrainingEvent(
        model="tiny",
        at=NOON,
        run=run,
        redrives=redrives,
        failed_after=failed_after,
        reason="No disk.",
        requested_by="ada",
    )
    return handler.call(event, runtime)


def test_the_execution_of_a_failed_run_ends_with_its_reason_and_what_to_do() -> None:
    runtime = fake_runtime(tiny.SPEC)
    with pytest.raises(TrainingFailed, match=r"No disk\. Mend the cause and redrive"):
        resume(runtime, failed(runtime), redrives=0)
    assert not runtime.ledger.entries("training.resumed")


def test_a_redriven_run_holds_the_lease_again_under_a_job_name_of_its_own() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = failed(runtime)
    assert resume(runtime, run, redrives=1) == {
        "granted": True,
        "run": run,
        "job": f"{run[:-3]}-r1",
        "attempt": 1,
        "fence": 2,
        "holder": run,
        "requested_by": "ada",
    }
    assert resume(runtime, run, redrives=1)["fence"] == 2, "a retry"
    assert len(runtime.ledger.entries("training.resumed")) == 1


def test_a_resumed_run_gives_the_lease_back_at_its_own_end() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = failed(runtime)
    fence = int(str(resume(runtime, run, redrives=1)["fence"]))
    assert end(runtime, run, fence, attempt=1, outcome="Registered")["released"] is True
    other = LeaseTrainingEvent(model="tiny", at=NOON, execution="execution-22222222")
    assert lease.call(other, runtime)["granted"] is True


def test_a_run_that_failed_again_wants_another_redrive() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = failed(runtime)
    resume(runtime, run, redrives=1)
    with pytest.raises(TrainingFailed):
        resume(runtime, run, redrives=1, failed_after=1)
    assert resume(runtime, run, redrives=2, failed_after=1)["job"] == f"{run[:-3]}-r2"


def test_a_redrive_while_another_run_trains_says_who_does() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = failed(runtime)
    other = LeaseTrainingEvent(model="tiny", at=NOON, execution="execution-22222222")
    holder = lease.call(other, runtime)["run"]
    with pytest.raises(TrainingFailed, match=f"{holder} is training now"):
        resume(runtime, run, redrives=1)
