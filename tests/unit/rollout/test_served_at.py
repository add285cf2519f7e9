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


@pytest.mark.parametrize("found", [[], [{"name": "tag-differs", "what": "a tag differs"}]])
def test_an_endpoint_that_sleeps_serves_nothing_until_it_is_woken(ledger: MemoryLedger, found: list[Any]) -> None:
    ledger.append("endpoint.slept", "tiny", {"config": "tiny-v1"}, NOON + 10 * HOUR, "rest_endpoint")
    ledger.append("reconciled", "r", {"found": found}, NOON + 11 * HOUR, "test")
    ledger.append("endpoint.woken", "tiny", {"config": "tiny-v1"}, NOON + 14 * HOUR, "rest_endpoint")
    asleep = asked(ledger, 12)
    assert (asleep.state, shares(asleep), asleep.since) == ("nothing", [], NOON + 10 * HOUR)
    assert "slept since" in asleep.message
    assert [entry.kind for entry in asleep.evidence] == ["endpoint.slept"]
    assert shares(asked(ledger, 14)) == [(1, 100)]


def test_no_share_is_claimed_while_traffic_goes_back(ledger: MemoryLedger) -> None:
    for hours, kind, data in (
        (10, "approval.checked", {"outcome": "Approved", "version": 3}),
        (10, "rollout.planned", {"config": "tiny-v3"}),
        (11, "rollout.shifted", {"step": 1, "percent": 50}),
        (12, "rollout.going_back", {"against": ["errors"]}),
        (13, "rollout.rolled_back", {"live_config": "tiny-v1"}),
    ):
        ledger.append(kind, "p3", data, NOON + hours * HOUR, "test")
    assert shares(asked(ledger, 11.5)) == [(1, 50), (3, 50)]
    back = asked(ledger, 12.5)
    assert shares(back) == [(1, None), (3, None)]
    assert back.message == "traffic was going back to version 1; version 3 answered at most 50 % of it"
    assert back.evidence[-1].kind == "rollout.going_back"
    assert shares(asked(ledger, 13)) == [(1, 100)]


def test_a_rollback_in_the_midst_of_a_rollout_names_the_version_that_it_stops(ledger: MemoryLedger) -> None:
    for hours, kind, subject, data in (
        (10, "approval.checked", "p3", {"outcome": "Approved", "version": 3}),
        (10, "rollout.planned", "p3", {"config": "tiny-v3"}),
        (11, "rollout.shifted", "p3", {"step": 1, "percent": 20}),
        (12, "rollback.requested", "b3", {"outcome": "Begun", "to_version": 1, "config": "tiny-v1"}),
        (13, "rollout.rolled_back", "p3", {"live_config": "tiny-v1"}),
        (14, "rollback.done", "b3", champion(1)),
    ):
        ledger.append(kind, subject, data, NOON + hours * HOUR, "test")
    stopped = asked(ledger, 12.5)
    assert shares(stopped) == [(1, None), (3, None)]
    assert stopped.message == "traffic was going back to version 1; version 3 answered at most 20 % of it"
    assert shares(asked(ledger, 14)) == [(1, 100)]
