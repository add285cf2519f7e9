"""release_training as the training machine calls it, last and whatever happened."""

import pytest

from functions.lease_training.handler import LeaseTrainingEvent, TrainingRequest
from functions.lease_training.handler import handler as lease
from functions.release_training.handler import ReleaseTrainingEvent, release
from tests.billing_fakes import MemoryBills
from tests.fakes import NOON, RecordingNotifier, fake_runtime
from tests.fixtures import tiny
from trimtab.entrypoint import Runtime


def leased(runtime: Runtime, execution: str = "execution-11111111") -> str:
    request = TrainingRequest(reason="drift", cause="alarm")
    event = LeaseTrainingEvent(model="tiny", at=NOON, execution=execution, request=request)
    return str(lease.call(event, runtime)["run"])


def end(
    runtime: Runtime, run: str, outcome: str, fence: int = 1, bills: MemoryBills | None = None
) -> dict[str, object]:
    event = ReleaseTrainingEvent(model="tiny", at=NOON, run=run, fence=fence, outcome=outcome, reason="because")
    return release(event, runtime, bills or MemoryBills())


def test_the_lease_is_free_afterwards() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = leased(runtime)
    assert end(runtime, run, "Registered") == {
        "released": True,
        "next": None,
        "outcome": "Registered",
        "reason": "because",
    }
    assert leased(runtime, "execution-22222222").endswith("22222222")


def test_whoever_waited_is_next() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = leased(runtime)
    leased(runtime, "execution-22222222")
    assert end(runtime, run, "NotReady")["next"] == {"reason": "drift", "cause": "alarm", "requested_by": ""}


def test_a_refusal_is_told_in_the_words_of_the_gates() -> None:
    notifier = RecordingNotifier()
    runtime = fake_runtime(tiny.SPEC, notifier=notifier)
    run = leased(runtime)
    runtime.ledger.append(
        "candidate.judged", run, {"summary": "refuse: auc 0.55, at least 0.6"}, NOON, "judge_candidate"
    )
    end(runtime, run, "Refused")
    assert notifier.sent[0]["why"] == "refuse: auc 0.55, at least 0.6"
    assert runtime.ledger.entries("training.released")[0].data["reason"] == "refuse: auc 0.55, at least 0.6"


@pytest.mark.parametrize(("outcome", "told"), [("Refused", 1), ("Failed", 1), ("Registered", 0), ("NotReady", 0)])
def test_people_are_told_once_of_what_needs_them(outcome: str, told: int) -> None:
    notifier = RecordingNotifier()
    runtime = fake_runtime(tiny.SPEC, notifier=notifier)
    run = leased(runtime)
    end(runtime, run, outcome)
    end(runtime, run, outcome)
    assert len(notifier.sent) == told
    assert notifier.quoting == [outcome == "Failed"] * told, "only the author's own words may quote data"


def test_people_are_told_of_a_dataset_that_leaks() -> None:
    """Too few rows mend themselves with the next drop; a leak does not."""
    notifier = RecordingNotifier()
    runtime = fake_runtime(tiny.SPEC, notifier=notifier)
    run, reason = leased(runtime), "leakage: 'load' alone tells the label (AUC 1.0000, limit 0.99)"
    event = ReleaseTrainingEvent(model="tiny", at=NOON, run=run, fence=1, outcome="NotReady", reason=reason)
    release(event, runtime, MemoryBills())
    assert [sent["why"] for sent in notifier.sent] == [reason]
    assert "datasets.leakage" in notifier.sent[0]["next_step"]


def test_the_ledger_says_what_the_run_has_cost() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = leased(runtime)
    runtime.ledger.append("search.ended", "s", {"run": run, "seconds": 900.0}, NOON, "read_search")
    runtime.ledger.append("search.ended", "t", {"run": "another", "seconds": 900.0}, NOON, "read_search")
    end(runtime, run, "Refused", bills=MemoryBills({run: 600.0, f"{run}-eval": 300.0}))
    cost = runtime.ledger.entries("training.released")[0].data["cost"]
    assert (cost["seconds"], cost["currency"]) == (1800.0, "USD")
    assert cost["usd"] == pytest.approx(0.5 * 0.23)


def test_a_run_whose_jobs_nobody_can_ask_for_has_no_known_cost_and_ends_all_the_same() -> None:
    runtime = fake_runtime(tiny.SPEC)
    run = leased(runtime)
    assert end(runtime, run, "Failed", bills=MemoryBills({run: None}))["released"] is True
    assert runtime.ledger.entries("training.released")[0].data["cost"]["usd"] is None
