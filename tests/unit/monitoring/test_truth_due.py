"""Truth that stays away is heard, and truth that is not due yet is waited for."""

from datetime import timedelta

import pytest

from tests.fakes import NOON, MemoryLedger
from tests.unit.spec.test_rhythm import watched
from trimtab.errors import SpecError
from trimtab.monitoring.truth_due import TruthDue
from trimtab.spec.monitoring import MonitoringSpec

WATCH = MonitoringSpec.model_validate({"alarms": {"truth_expected_days": 7}, "min_rows": 50})


class Windows:
    """Windows that ended some days ago."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()

    def window(self, name: str, days_ago: float, rows: int = 900) -> None:
        end = (NOON - timedelta(days=days_ago)).isoformat()
        self.ledger.append("window.measured", name, {"window": {"end": end, "rows": rows}}, NOON, "test")

    def truth(self, name: str, coverage: float) -> None:
        self.ledger.append("quality.measured", name, {"coverage": coverage}, NOON, "test")

    def missing(self, watch: MonitoringSpec = WATCH) -> float | None:
        entries = self.ledger.entries
        return TruthDue(entries("window.measured"), entries("quality.measured"), NOON).missing(watch)


def test_what_is_not_due_yet_is_waited_for() -> None:
    windows = Windows()
    assert windows.missing() is None
    windows.window("young", 6)
    assert windows.missing() is None


def test_the_newest_window_that_is_due_says_how_much_is_missing() -> None:
    windows = Windows()
    windows.window("old", 20)
    windows.truth("old", 1.0)
    assert windows.missing() == 0.0
    windows.window("due", 8)
    windows.window("young", 1)
    assert windows.missing() == 1.0
    windows.truth("due", 0.25)
    windows.truth("due", 0.75)
    assert windows.missing() == 0.25


def test_a_window_too_thin_to_be_judged_and_one_that_is_joined_no_more_say_nothing() -> None:
    windows = Windows()
    windows.window("thin", 9, rows=49)
    windows.window("ancient", 121)
    assert windows.missing() is None


def test_nobody_waits_for_truth_that_a_spec_does_not_expect() -> None:
    windows = Windows()
    windows.window("due", 8)
    assert windows.missing(MonitoringSpec()) is None


def test_truth_that_would_be_due_when_it_is_joined_no_more_is_refused_by_line() -> None:
    with pytest.raises(SpecError) as refused:
        watched("{alarms: {truth_expected_days: 120}}")
    assert "monitoring.alarms.truth_expected_days" in str(refused.value)
    assert "windows.truth_days" in str(refused.value)
