"""What served at a time, told from the ledger alone, for every time there is."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes import NOON, MemoryLedger
from trimtab.rollout.served_at import ServedAt, served_at

HOUR = timedelta(hours=1)


def champion(version: int) -> dict[str, Any]:
    return {"champion": {"version": version, "config": f"tiny-v{version}", "package_arn": f"arn/{version}"}}


@pytest.fixture
def ledger() -> MemoryLedger:
    """Hour 1: version 1. Hours 3 to 5: a canary of version 2, which takes over. Hours 8 to 9: back to version 1."""
    made = MemoryLedger()

    def add(hours: float, kind: str, subject: str, data: dict[str, Any]) -> None:
        made.append(kind, subject, data, NOON + hours * HOUR, "test")

    add(0, "drop.accepted", "d", {})
    add(1, "rollout.serving", "p1", champion(1))
    add(2.5, "approval.checked", "p2", {"outcome": "Approved", "version": 2})
    add(3, "rollout.planned", "p2", {"config": "tiny-v2"})
    add(4, "rollout.shifted", "p2", {"step": 1, "percent": 20})
    add(5, "rollout.serving", "p2", champion(2))
    add(5, "promotion.closed", "p2", {})
    add(7, "rollback.requested", "b", {"outcome": "Refused", "to_version": 9, "config": ""})
    add(8, "rollback.requested", "b2", {"outcome": "Begun", "to_version": 1, "config": "tiny-v1"})
    add(9, "rollback.done", "b2", champion(1))
    return made


def asked(ledger: MemoryLedger, hours: float) -> ServedAt:
    return served_at(ledger.entries(), NOON + hours * HOUR)


def shares(found: ServedAt) -> list[tuple[int, float | None]]:
    return [(share.version, share.percent) for share in found.versions]


@pytest.mark.parametrize(
    ("hours", "state", "versions", "proof"),
    [
        (0.5, "nothing", [], []),
        (1, "serving", [(1, 100)], ["rollout.serving"]),
        (2.9, "serving", [(1, 100)], ["rollout.serving"]),
        (3.5, "moving", [(1, None), (2, None)], ["rollout.serving", "rollout.planned"]),
        (4.5, "moving", [(1, 80), (2, 20)], ["rollout.serving", "rollout.planned", "rollout.shifted"]),
        (6, "serving", [(2, 100)], ["rollout.serving"]),
        (7.5, "serving", [(2, 100)], ["rollout.serving"]),
        (8.5, "moving", [(2, None), (1, None)], ["rollout.serving", "rollback.requested"]),
        (20, "serving", [(1, 100)], ["rollback.done"]),
    ],
)
def test_every_time_has_its_answer_and_its_proof(
    ledger: MemoryLedger, hours: float, state: str, versions: list[tuple[int, float | None]], proof: list[str]
) -> None:
    found = asked(ledger, hours)
    assert (found.state, shares(found)) == (state, versions)
    assert [entry.kind for entry in found.evidence] == proof
    assert found.chain is None


def test_the_first_version_is_on_its_way_from_nothing() -> None:
    ledger = MemoryLedger()
    ledger.append("approval.checked", "p", {"outcome": "Approved", "version": 1}, NOON, "test")
    ledger.append("rollout.planned", "p", {"config": "tiny-v1"}, NOON, "test")
    found = served_at(ledger.entries(), NOON)
    assert shares(found) == [(1, None)]
    assert "nothing served before it" in found.message


def test_a_canary_that_went_back_leaves_the_old_version(ledger: MemoryLedger) -> None:
    at = NOON + 10 * HOUR
    ledger.append("rollout.planned", "p3", {"config": "tiny-v3"}, at, "test")
    ledger.append("rollout.rolled_back", "p3", {"live_config": "tiny-v1"}, at + HOUR, "test")
    assert asked(ledger, 10.5).state == "moving"
    assert shares(asked(ledger, 12)) == [(1, 100)]


def test_an_endpoint_that_was_deleted_serves_nothing_until_a_version_serves_again(ledger: MemoryLedger) -> None:
    gone = [{"name": "endpoint-gone", "what": "the endpoint does not exist"}]
    ledger.append("reconciled", "r", {"found": gone}, NOON + 10 * HOUR, "test")
    found = asked(ledger, 11)
    assert (found.state, found.doubts) == ("nothing", ("the endpoint does not exist",))
    assert [entry.kind for entry in found.evidence] == ["reconciled"]
    ledger.append("rollback.done", "b3", champion(1), NOON + 12 * HOUR, "test")
    assert shares(asked(ledger, 13)) == [(1, 100)]


def test_a_row_that_was_altered_is_told_with_the_answer(ledger: MemoryLedger) -> None:
    entries = ledger.entries()
    entries[1] = replace(entries[1], data=champion(7))
    found = served_at(entries, datetime.max.replace(tzinfo=NOON.tzinfo))
    assert found.chain == "entry 2 was altered"
