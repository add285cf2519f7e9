"""What the last day has cost, by what the ledger says."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON, MemoryLedger
from tests.unit.cost.test_month import spec
from trimtab.cost.day import cost_of_day
from trimtab.cost.month import DAYS, month_of


def cost(*told: tuple[str, dict[str, Any], float], **rollout: Any) -> float:
    """Entries of a kind, with data, so many hours ago."""
    ledger = MemoryLedger()
    for kind, data, hours in told:
        ledger.append(kind, f"{kind}{hours}", data, NOON - timedelta(hours=hours), "test")
    return cost_of_day(spec(rollout=rollout), ledger.entries(), NOON)


REST = month_of(spec()).usd / DAYS


def window(ended_hours: float, hours: float = 23) -> dict[str, Any]:
    """A window of the records of so many hours, the last of them so many hours ago."""
    end = NOON - timedelta(hours=ended_hours)
    span = {"start": (end - timedelta(hours=hours)).isoformat(), "end": end.isoformat()}
    return {"rows": 100_000} | span


WINDOW = window(ended_hours=0.5)


def test_a_day_without_anything_costs_its_part_of_a_month_at_rest() -> None:
    assert cost() == pytest.approx(REST)


def test_what_was_asked_counts_for_its_day() -> None:
    busy = month_of(spec(), 100_000).usd / DAYS
    assert cost(("window.collected", WINDOW, 0)) == pytest.approx(busy)
    assert cost(("window.collected", window(ended_hours=24.5), 24)) == pytest.approx(REST)


def test_days_that_are_measured_at_once_after_an_outage_are_not_one_day() -> None:
    caught_up = [("window.collected", window(ended_hours=24 * back + 0.5), back / 1000) for back in range(5)]
    assert cost(*caught_up) == pytest.approx(month_of(spec(), 100_000).usd / DAYS)


def test_of_a_window_of_a_week_a_seventh_is_a_days() -> None:
    weekly = window(ended_hours=0, hours=7 * 24)
    assert cost(("window.collected", weekly, 0)) == pytest.approx(month_of(spec(), 100_000 / 7).usd / DAYS)


def test_of_a_captured_share_the_whole_is_inferred() -> None:
    asked = month_of(spec(rollout={"capture_percent": 10}), 1_000_000).usd / DAYS
    assert cost(("window.collected", WINDOW, 3), capture_percent=10) == pytest.approx(asked)


def test_trainings_cost_what_their_release_says() -> None:
    paid, unknown = {"cost": {"usd": 1.5, "seconds": 900}}, {"cost": {"usd": None, "seconds": None}}
    assert cost(("training.released", paid, 1)) == pytest.approx(REST + 1.5)
    assert cost(("training.released", unknown, 1), ("training.released", {}, 2)) == pytest.approx(REST)
