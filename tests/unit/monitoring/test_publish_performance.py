"""Which of several windows an alarm sees when truth comes late, in parts and out of order."""

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON, MemoryLedger, RecordingMetrics
from tests.unit.functions.scene import tiny_spec
from trimtab.monitoring.publish import Publication
from trimtab.telemetry import Metric

SPEC = tiny_spec()


class Stand:
    """Reports are published, one run after the other."""

    def __init__(self) -> None:
        self.ledger, self.metrics, self.at = MemoryLedger(), RecordingMetrics(), NOON

    def run(self, *reports: dict[str, Any], serving: int = 1) -> list[float]:
        """Readings of the alarm on quality that this run puts."""
        self.metrics.points.clear()
        self.at += timedelta(days=1)
        self.ledger.append("baseline.published", "p", {}, self.at, "test", state={"champion": {"version": serving}})
        publication = self.publication()
        publication.quality(reports)
        publication.readings()
        return self.points(Metric.QUALITY_DROP)

    def publication(self) -> Publication:
        return Publication(self.at, SPEC, self.ledger, self.metrics)

    def points(self, metric: Metric) -> list[float]:
        return [value for name, value, _ in self.metrics.points if name is metric]


def report(day: int, fall: float, n: int = 500, **other: Any) -> dict[str, Any]:
    """A window of a day in January whose metric has fallen so far."""
    return {
        "window": f"w{day}",
        "version": 1,
        "judged": True,
        "reason": "",
        "n": n,
        "metrics": {"auc": 0.8 - fall},
        "interval": [0.7 - fall, 0.9 - fall],
        "drop": fall,
        "reading": fall,
        "coverage": 0.9,
        "slice_drop": None,
        "period": {"start": f"2026-01-{day:02d}T00:00:00+00:00", "end": f"2026-01-{day:02d}T23:00:00+00:00"},
    } | other


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_more_truth_for_an_old_window_neither_raises_nor_clears_todays_alarm(stand: Stand) -> None:
    assert stand.run(report(3, 0.0)) == [0.0]
    assert stand.run(report(9, 0.2)) == [0.2]
    assert stand.run(report(3, 0.3, n=800)) == []
    assert stand.run(report(9, 0.25, n=900)) == [0.25]
    assert [entry.subject for entry in stand.ledger.entries("quality.measured")] == ["w3", "w9", "w3", "w9"]


def test_of_windows_that_come_together_the_newest_counts(stand: Stand) -> None:
    assert stand.run(report(9, 0.1), report(5, 0.3), report(7, 0.0)) == [0.1]


def test_an_event_time_that_is_years_off_hides_no_later_window(stand: Stand) -> None:
    of_day = [{"start": f"2026-01-{day:02d}T00:00:00Z", "end": f"2026-01-{day:02d}T23:00:00Z"} for day in (3, 4)]
    far = {"start": of_day[0]["start"], "end": "9998-01-01T00:00:00Z"}
    assert stand.run(report(3, 0.0, period=far, asked=of_day[0])) == [0.0]
    assert stand.run(report(4, 0.2, asked=of_day[1])) == [0.2]


def test_a_newer_window_that_cannot_be_judged_does_not_hide_one_that_can(stand: Stand) -> None:
    thin = report(9, 0.0, n=3, judged=False, reason="3 labels, fewer than 50", metrics={}, reading=None, drop=None)
    assert stand.run(report(5, 0.2), thin) == [0.2]
    assert "not judged: 3 labels" in stand.ledger.entries("quality.measured")[1].data["summary"]


def test_a_successor_starts_with_its_own_first_window(stand: Stand) -> None:
    stand.run(report(9, 0.2))
    assert stand.run(report(5, 0.0, version=2), serving=2) == [0.0]
    assert stand.run(report(10, 0.3), serving=2) == []


def test_a_corrected_label_is_recorded_although_their_number_is_the_same(stand: Stand) -> None:
    stand.run(report(3, 0.0))
    stand.run(report(3, 0.0))
    stand.run(report(3, 0.1))
    assert [entry.data["drop"] for entry in stand.ledger.entries("quality.measured")] == [0.0, 0.1]


def test_what_cannot_be_told_from_chance_puts_no_reading(stand: Stand) -> None:
    assert stand.run(report(3, 0.2, reading=None)) == []
    assert stand.points(Metric.TRUTH_COVERAGE) == [0.9]
    (entry,) = stand.ledger.entries("quality.measured")
    assert "may be chance" in entry.data["summary"]


def test_slices_that_fell_are_put_and_named(stand: Stand) -> None:
    stand.run(report(3, 0.0, slice_drop=0.12, slices_fallen=["kind=a"]))
    assert stand.points(Metric.SLICE_DROP) == [0.12]
    assert "kind=a" in stand.ledger.entries("quality.measured")[0].data["summary"]


def answers(rows: int, day: int) -> dict[str, Any]:
    """A window none of whose answers can be measured."""
    period = {"start": f"2026-01-{day:02d}T00:00:00+00:00", "end": f"2026-01-{day:02d}T23:00:00+00:00"}
    none = {"estimate": None, "metric": "auc", "reason": "no score is a number", "bias": []}
    return {"window": f"w{day}", "version": 1, "rows": rows, "unusable": rows, "period": period} | none


@pytest.mark.parametrize(("rows", "seen"), [(9, []), (SPEC.monitoring.min_rows, [1.0])])
def test_of_a_window_too_small_to_judge_nobody_is_told_that_it_cannot_be_measured(
    stand: Stand, rows: int, seen: list[float]
) -> None:
    stand.run()
    publication = stand.publication()
    publication.estimates([answers(rows, day=3)])
    publication.readings()
    assert stand.points(Metric.UNUSABLE) == seen
