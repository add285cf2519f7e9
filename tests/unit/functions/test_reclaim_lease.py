"""reclaim_lease as EventBridge calls it, for an execution of the training machine that ended badly."""

from datetime import timedelta

from functions.lease_training.handler import LeaseTrainingEvent, TrainingRequest
from functions.lease_training.handler import handler as lease
from functions.reclaim_lease.handler import ReclaimLeaseEvent, handler
from functions.release_training.handler import ReleaseTrainingEvent, release
from functions.resume_training.handler import ResumeTrainingEvent
from functions.resume_training.handler import handler as resume
from tests.billing_fakes import MemoryBills
from tests.fakes import NOON, RecordingEvents, fake_runtime
from tests.fixtures import tiny
from trimtab.contracts import TRAINING_REQUESTED
from trimtab.entrypoint import Runtime

FIRST, SECOND = "execution-11111111", "execution-22222222"
LATER = NOON + timedelta(minutes=5)


def ask(runtime: Runtime, execution: str) -> dict[str, object]:
    request = TrainingRequest(reason="drift", cause="alarm")
    return lease.call(LeaseTrainingEvent(model="tiny", at=NOON, execution=execution, request=request), runtime)


def end(runtime: Runtime, run: str, fence: int = 1) -> None:
    release(ReleaseTrainingEvent(model="tiny", at=NOON, run=run, fence=fence, outcome="Failed"), runtime, MemoryBills())


def reclaim(runtime: Runtime, status: str = "ABORTED", minutes: int = 10) -> dict[str, object]:
    at = NOON + timedelta(minutes=minutes)
    return handler.call(ReclaimLeaseEvent(model="tiny", at=at, execution=FIRST, status=status), runtime)


def test_the_lease_of_a_stopped_execution_is_free_and_the_ledger_says_why() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = ask(runtime, FIRST)["run"]
    assert reclaim(runtime) == {"released": True, "run": run, "next": None}
    (entry,) = runtime.ledger.entries("training.released")
    assert entry.data["summary"] == f"run {run} ended Failed: its execution was stopped"
    assert ask(runtime, SECOND)["granted"] is True


def test_whoever_waited_is_asked_for_again() -> None:
    events = RecordingEvents()
    runtime = fake_runtime(tiny.SPEC, events=events)
    ask(runtime, FIRST)
    assert ask(runtime, SECOND)["granted"] is False
    reclaim(runtime, "TIMED_OUT")
    ((kind, request),) = events.put_events
    assert kind == TRAINING_REQUESTED
    assert (request["model"], request["reason"], request["cause"]) == ("tiny", "drift", "alarm")


def test_a_run_that_gave_its_lease_back_itself_is_left_alone() -> None:
    events = RecordingEvents()
    runtime = fake_runtime(tiny.SPEC, events=events)
    run = str(ask(runtime, FIRST)["run"])
    ask(runtime, SECOND)
    end(runtime, run)
    assert ask(runtime, SECOND)["granted"] is True
    assert reclaim(runtime, "FAILED") == {"released": False}
    assert events.put_events == []
    held = runtime.ledger.lease_holder("training")
    assert held is not None
    assert held.holder.endswith("22222222")


def test_news_of_a_first_failure_that_come_late_do_not_take_the_lease_of_the_redriven_run() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = str(ask(runtime, FIRST)["run"])
    end(runtime, run)
    resume.call(ResumeTrainingEvent(model="tiny", at=LATER, run=run, redrives=1, failed_after=0), runtime)
    assert reclaim(runtime, "FAILED", minutes=1) == {"released": False}
    assert reclaim(runtime, "ABORTED", minutes=10)["released"] is True
    assert runtime.ledger.entries("training.released", f"{run}-r1")


def test_an_execution_that_never_held_the_lease_has_none_to_give_back() -> None:
    runtime = fake_runtime(tiny.SPEC)
    assert reclaim(runtime) == {"released": False}
