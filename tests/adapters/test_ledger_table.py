"""The Ledger contract, on DynamoDB and on the fake."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from tests.fakes import NOON, MemoryLedger
from tests.ledger_tables import make_ledger_table
from trimtab.aws.ledger_table import LedgerTable
from trimtab.errors import DecisionOvertaken, LedgerConflict
from trimtab.ledger import verify_chain
from trimtab.ports import Ledger
from trimtab.precondition import Precondition


@pytest.fixture(params=["dynamodb", "memory"])
def ledger(request: pytest.FixtureRequest, aws: None) -> Ledger:
    return MemoryLedger("tiny") if request.param == "memory" else LedgerTable(table(), "ledger", "tiny")


def table() -> Any:
    dynamodb = boto3.client("dynamodb")
    make_ledger_table(dynamodb, "ledger")
    return dynamodb


def test_entries_come_back_in_order_and_chained(ledger: Ledger) -> None:
    data = {"psi": 1.0, "small": 1e-7, "rows": 3, "nested": {"none": None, "list": [1.5, "x", True]}}
    for number in range(3):
        ledger.append("drop.accepted", f"drop-{number}", data, NOON + timedelta(seconds=number), "accept_drop")
    ledger.append("run.tracked", "run-1", {}, NOON, "lease_training")
    entries = ledger.entries()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4]
    assert verify_chain(entries) is None
    assert entries[0].data == data
    assert [e.subject for e in ledger.entries("drop.")] == ["drop-0", "drop-1", "drop-2"]
    assert [e.seq for e in ledger.entries(subject="run-1")] == [4]


def test_entries_are_found_by_the_index_that_reads_least_and_stay_in_order(ledger: Ledger) -> None:
    for number in range(4):
        ledger.append("retrain.requested", f"drop-{number}", {}, NOON, "accept_drop")
        ledger.append("retrain.resumed", f"drop-{number % 2}", {}, NOON, "accept_drop")
        ledger.append("alarm.told", "drop-0", {}, NOON, "accept_drop")
    assert [e.seq for e in ledger.entries("retrain.re")] == [1, 2, 4, 5, 7, 8, 10, 11]
    assert [e.seq for e in ledger.entries(subject="drop-0")] == [1, 2, 3, 6, 8, 9, 12]
    assert [e.seq for e in ledger.entries("retrain.", "drop-0")] == [1, 2, 8]
    assert len(ledger.entries()) == 12


def test_a_question_about_one_kind_does_not_read_the_others(aws: None) -> None:
    dynamodb = table()
    ledger = LedgerTable(dynamodb, "ledger", "tiny")
    for number in range(20):
        ledger.append("drop.accepted" if number else "run.started", f"s{number}", {}, NOON, "test")
    scanned: list[int] = []
    dynamodb.meta.events.register(
        "after-call.dynamodb.Query", lambda parsed, **_: scanned.append(parsed["ScannedCount"])
    )
    assert len(ledger.entries("run.")) == 1
    assert len(ledger.entries(subject="s7")) == 1
    assert scanned == [1, 1]


def test_who_watches_reads_only_what_is_new(aws: None) -> None:
    dynamodb = table()
    ledger = LedgerTable(dynamodb, "ledger", "tiny")
    for number in range(12):
        ledger.append("drop.accepted", f"s{number}", {}, NOON, "test")
    scanned: list[int] = []
    dynamodb.meta.events.register(
        "after-call.dynamodb.Query", lambda parsed, **_: scanned.append(parsed["ScannedCount"])
    )
    assert [entry.seq for entry in ledger.after(9)] == [10, 11, 12]
    assert ledger.after(12) == []
    assert scanned == [3, 0]
    assert ledger.after(0) == ledger.entries()


def test_state_is_set_with_the_entry_that_says_so(ledger: Ledger) -> None:
    assert ledger.state("champion") is None
    ledger.append("rollout.serving", "v1", {}, NOON, "confirm_serving", state={"champion": {"version": 1}})
    ledger.append("rollout.serving", "v2", {}, NOON, "confirm_serving", state={"champion": {"version": 2}})
    assert ledger.state("champion") == {"version": 2}


def test_what_is_kept_beside_the_entries_is_a_state_that_no_entry_tells(ledger: Ledger) -> None:
    ledger.keep("trail#2", {"until": "then", "changes": []})
    ledger.keep("trail#2", {"until": "now", "changes": [{"skips": ["gates"]}]})
    assert ledger.state("trail#2") == {"until": "now", "changes": [{"skips": ["gates"]}]}
    assert ledger.entries() == []


def test_the_first_claim_wins_and_its_retry_is_still_first(ledger: Ledger) -> None:
    assert ledger.claim("drop#abc", "execution-1", NOON, {"key": "a"}).first
    again = ledger.claim("drop#abc", "execution-1", NOON, {"key": "a"})
    other = ledger.claim("drop#abc", "execution-2", NOON, {"key": "b"})
    assert again.first
    assert not other.first
    assert (other.holder, other.data) == ("execution-1", {"key": "a"})


def test_a_lease_excludes_others_until_it_expires(ledger: Ledger) -> None:
    first = ledger.lease("training", "run-1", NOON, ttl_s=60)
    assert first is not None
    assert ledger.lease("training", "run-2", NOON + timedelta(seconds=59), ttl_s=60) is None
    renewed = ledger.lease("training", "run-1", NOON + timedelta(seconds=30), ttl_s=60)
    assert renewed is not None
    assert renewed.fence == first.fence
    late = ledger.lease("training", "run-2", NOON + timedelta(seconds=90), ttl_s=60)
    assert late is not None
    assert late.fence == first.fence + 1
    assert not ledger.release("training", "run-1", first.fence)


def test_a_released_lease_is_free_at_once(ledger: Ledger) -> None:
    first = ledger.lease("training", "run-1", NOON, ttl_s=60)
    assert first is not None
    assert ledger.release("training", "run-1", first.fence)
    assert ledger.lease_holder("training") is None
    second = ledger.lease("training", "run-2", NOON, ttl_s=60)
    assert second is not None
    assert second.fence > first.fence


def test_writers_that_always_lose_are_told_to_try_again(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = LedgerTable(table(), "ledger", "tiny")
    ledger.append("a", "s", {}, NOON, "me")
    monkeypatch.setattr("trimtab.aws.ledger_table.time.sleep", lambda seconds: None)
    monkeypatch.setattr(ledger, "_head", lambda: None)
    with pytest.raises(LedgerConflict, match="run this step again"):
        ledger.append("b", "s", {}, NOON, "me")
    assert len(ledger.entries()) == 1


def test_what_was_decided_before_another_decided_is_not_written(ledger: Ledger) -> None:
    ledger.append("retrain.deferred", "a", {}, NOON, "me")
    read = ledger.entries()[-1].seq
    ledger.append("run.tracked", "r", {}, NOON, "other")
    ledger.append("retrain.suppressed", "mine:drift", {}, NOON, "me")
    given = Precondition(read, ("retrain.", "training."), "mine:")
    ledger.append("retrain.requested", "mine", {}, NOON, "me", given=given)
    with pytest.raises(DecisionOvertaken, match=r"retrain\.requested of mine \(entry 4\)"):
        ledger.append("retrain.requested", "other", {}, NOON, "me", state={"s": {"n": 1}}, given=given)
    assert len(ledger.entries()) == 4
    assert ledger.state("s") is None


def test_a_decision_that_comes_between_the_look_and_the_write_is_seen_at_the_next_attempt(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = LedgerTable(table(), "ledger", "tiny")
    ledger.append("retrain.deferred", "a", {}, NOON, "me")
    write = ledger._write

    def overtaken(*args: Any) -> bool:
        monkeypatch.setattr(ledger, "_write", write)
        ledger.append("retrain.requested", "other", {}, NOON, "other")
        return write(*args)

    monkeypatch.setattr(ledger, "_write", overtaken)
    with pytest.raises(DecisionOvertaken):
        ledger.append("retrain.requested", "mine", {}, NOON, "me", given=Precondition(1, ("retrain.",)))
    assert [entry.subject for entry in ledger.entries("retrain.requested")] == ["other"]
