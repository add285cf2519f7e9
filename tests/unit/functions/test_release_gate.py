"""A person opens a manual gate: only the one that they saw waiting, once, and it is said whose word it was."""

from datetime import timedelta

from functions.release_gate.handler import ReleaseGateEvent, handler
from tests.fakes import NOON, MemoryLedger, fake_runtime
from tests.fixtures import tiny
from trimtab.entrypoint import Runtime
from trimtab.ledger.kinds import RELEASE_REFUSED, ROLLOUT_GOING_BACK, ROLLOUT_HELD, ROLLOUT_RELEASED
from trimtab.rollout.course import Course
from trimtab.rollout.queue import LEASE
from trimtab.rollout.releasing import released, waiting_gate

ANN = "arn:aws:iam::123456789012:user/ann"


def runtime(*, promoting: bool = True, gate: int | None = 1) -> Runtime:
    """A model whose promotion ``run`` waits at a gate."""
    made = fake_runtime(tiny.SPEC)
    if promoting:
        made.ledger.lease(LEASE, "run", NOON, 3600)
    if gate is not None:
        made.ledger.append(ROLLOUT_HELD, "run", {"step": gate, "why": "gate"}, NOON, "shift_traffic")
    return made


def ask(made: Runtime, step: int = 1, execution: str = "release-1") -> dict[str, object]:
    at = NOON + timedelta(minutes=5)
    told = {"model": "tiny", "at": at, "execution": execution, "step": step, "by": ANN, "reason": "no complaint"}
    return handler.call(ReleaseGateEvent.model_validate(told), made)


def test_the_gate_that_waits_is_opened_in_the_name_of_who_asked() -> None:
    made = runtime()
    assert ask(made)["outcome"] == "Released"
    (entry,) = made.ledger.entries(ROLLOUT_RELEASED, "run")
    assert (entry.data["step"], entry.data["by"], entry.data["request"]) == (1, ANN, "release-1")
    assert entry.data["summary"] == f"step 1 released by {ANN}: no complaint"
    assert waiting_gate(Course.read(made.ledger, "run")) is None


def test_a_retry_says_the_same_and_a_second_person_comes_too_late() -> None:
    made = runtime()
    assert ask(made) == ask(made)
    assert len(made.ledger.entries(ROLLOUT_RELEASED, "run")) == 1
    late = ask(made, execution="release-2")
    assert (late["outcome"], late["summary"]) == ("Refused", "nothing was released: no gate waits")


def test_a_later_gate_is_not_opened_by_a_word_about_an_earlier_one() -> None:
    made = runtime(gate=2)
    refused = ask(made, step=1)
    assert refused["summary"] == "nothing was released: the gate of step 2 waits, and not that of step 1"
    assert waiting_gate(Course.read(made.ledger, "run")) == 2
    (entry,) = made.ledger.entries(RELEASE_REFUSED)
    assert (entry.subject, entry.data["by"]) == ("release-1", ANN)


def test_without_a_promotion_nothing_is_released() -> None:
    made = runtime(promoting=False)
    assert ask(made)["outcome"] == "Refused"
    assert made.ledger.entries(ROLLOUT_RELEASED) == []


def test_whoever_asked_reads_from_the_ledger_what_came_of_it() -> None:
    made = runtime()
    assert released(made.ledger, "release-1", "run") is None
    ask(made)
    ask(made, execution="release-2")
    found = [released(made.ledger, name, "run") for name in ("release-1", "release-2")]
    assert [each["outcome"] if each else None for each in found] == ["Released", "Refused"]


def test_only_a_gate_that_waits_is_released() -> None:
    ledger = MemoryLedger()
    assert waiting_gate(Course.read(ledger, "run")) is None
    ledger.append(ROLLOUT_HELD, "run", {"step": 1, "why": "inconclusive"}, NOON, "shift_traffic")
    assert waiting_gate(Course.read(ledger, "run")) is None
    ledger.append(ROLLOUT_HELD, "run", {"step": 1, "why": "gate"}, NOON, "shift_traffic")
    assert waiting_gate(Course.read(ledger, "run")) == 1
    ledger.append(ROLLOUT_RELEASED, "run", {"step": 1, "by": "ada", "reason": "go"}, NOON, "ada")
    assert waiting_gate(Course.read(ledger, "run")) is None
    ledger.append(ROLLOUT_HELD, "run", {"step": 2, "why": "gate"}, NOON, "shift_traffic")
    assert waiting_gate(Course.read(ledger, "run")) == 2
    ledger.append(ROLLOUT_GOING_BACK, "run", {"step": 2, "reasons": ["worse"]}, NOON, "shift_traffic")
    assert waiting_gate(Course.read(ledger, "run")) is None
