"""One training at a time, and nobody who comes meanwhile is forgotten."""

from datetime import timedelta

import pytest

from tests.fakes import NOON, MemoryLedger
from tests.fixtures import tiny
from trimtab.ledger.kinds import TRAINING_LEASED, TRAINING_WAITING
from trimtab.training.queue import give_back, take

TRAINING = tiny.SPEC.training


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger("tiny")


def ask(ledger: MemoryLedger, run: str, hours: float = 0, reason: str = "drift") -> int | None:
    lease = take(ledger, TRAINING, run, {"reason": reason, "cause": "alarm"}, NOON + timedelta(hours=hours), "me")
    return lease.fence if lease else None


def end(ledger: MemoryLedger, run: str, fence: int, hours: float = 1) -> dict[str, object]:
    return dict(give_back(ledger, run, fence, "Registered", "", NOON + timedelta(hours=hours), "me"))


def test_the_first_run_is_granted_and_recorded_once(ledger: MemoryLedger) -> None:
    assert ask(ledger, "run-1") == ask(ledger, "run-1") == 1
    assert len(ledger.entries(TRAINING_LEASED)) == 1


def test_a_second_run_waits_and_is_next(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    assert ask(ledger, "run-2", reason="quality") is None
    assert ledger.entries(TRAINING_WAITING)[0].data["holder"] == "run-1"
    found = end(ledger, "run-1", 1)
    assert found["released"]
    assert found["next"] == {"reason": "quality", "cause": "alarm", "requested_by": ""}


def test_many_that_waited_become_one_request(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    for number in (2, 3, 4):
        ask(ledger, f"run-{number}", reason=f"reason {number}")
    reason = "reason 4 (and 2 more that waited)"
    assert end(ledger, "run-1", 1)["next"] == {"reason": reason, "cause": "alarm", "requested_by": ""}


def test_a_person_who_waited_comes_before_machines_and_stays_known(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    asked = {"reason": "look again", "cause": "person", "requested_by": "ada"}
    assert take(ledger, TRAINING, "run-2", asked, NOON, "me") is None
    ask(ledger, "run-3")
    reason = "look again (and 1 more that waited)"
    assert end(ledger, "run-1", 1)["next"] == asked | {"reason": reason}


def test_a_request_is_passed_on_once(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    ask(ledger, "run-2")
    end(ledger, "run-1", 1)
    assert ask(ledger, "run-3", hours=2) == 2
    assert end(ledger, "run-3", 2, hours=3)["next"] is None


def test_a_retried_end_gives_the_first_answer(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    ask(ledger, "run-2")
    assert end(ledger, "run-1", 1) == end(ledger, "run-1", 1)
    assert len(ledger.entries("training.released")) == 1


def test_a_run_whose_lease_was_taken_over_releases_nothing(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    assert ask(ledger, "run-2", hours=100) == 2
    ask(ledger, "run-3", hours=100)
    late = end(ledger, "run-1", 1, hours=100)
    assert not late["released"]
    assert late["next"] is None
    assert end(ledger, "run-2", 2, hours=101)["next"] is not None


def test_a_run_that_never_got_the_lease_gives_nothing_back(ledger: MemoryLedger) -> None:
    ask(ledger, "run-1")
    ask(ledger, "run-2")
    assert not end(ledger, "run-2", 0)["released"]
    held = ledger.lease_holder("training")
    assert held is not None
    assert held.holder == "run-1"
