"""Alarms count readings, not days, and follow the newest traffic."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.fakes import NOON, MemoryLedger, RecordingMetrics
from tests.unit.functions.scene import tiny_spec
from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLOUT_SERVING
from trimtab.monitoring.alarm_readings import held
from trimtab.monitoring.publish import Publication
from trimtab.ports import MetricsSink
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.telemetry import Metric

BAD, GOOD = 0.4, 0.1


def drift(psi: float | None, version: int = 1) -> dict[str, Any]:
    """What measure_drift says of a window; None for one that was not judged."""
    return {
        "version": version,
        "judged": psi is not None,
        "reason": "" if psi is not None else "9 rows, fewer than 100",
        "max_psi": psi,
        "columns": {} if psi is None else {"x": psi},
        "drifted": [],
        "prediction_psi": psi,
        "schema_breaks": [],
        "reference": "training",
    }


class Watch:
    """A model whose version 1 serves; runs of monitoring publish windows."""

    def __init__(self, **monitoring: Any) -> None:
        self.spec = tiny_spec().model_copy(update={"monitoring": MonitoringSpec(**monitoring)})
        self.named: dict[str, str] = {}
        """Event times that callers name, where they are not when they asked."""
        self.ledger, self.metrics, self.at = MemoryLedger(), RecordingMetrics(), NOON
        self.ledger.append("baseline.published", "p", {}, self.at, "test", state={"champion": {"version": 1}})

    def publication(self) -> Publication:
        return Publication(self.at, self.spec, self.ledger, self.metrics)

    def run(self, *windows: tuple[float | None, float]) -> list[float]:
        """What the alarm on drift sees after a run over windows: each a reading, and how many hours ago it ended."""
        self.metrics.points.clear()
        self.publish(self.metrics, *windows)
        return self.points(Metric.PSI_MAX)

    def publish(self, metrics: MetricsSink, *windows: tuple[float | None, float]) -> None:
        """The run's metrics go to ``metrics``."""
        self.at += timedelta(hours=1)
        publication = Publication(self.at, self.spec, self.ledger, metrics)
        for psi, hours in windows:
            end = (self.at - timedelta(hours=hours)).isoformat()
            window = {"id": f"w{end}", "rows": 9, "version": 1, "start": end, "end": end}
            publication.window(window, drift(psi) | {"period": self.named or {"start": end, "end": end}})
        publication.readings()

    def points(self, metric: Metric) -> list[float]:
        return [value for name, value, _ in self.metrics.points if name is metric]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.4], 0), ([0.4, 0.1], 0.1), ([0.4, 0.3], 0.3), ([0.4, 0.1, 0.3], 0.3), ([0.4, 0.4, 0.1, 0.2, 0.1], 0.1)],
)
def test_the_second_largest_of_three_is_beyond_a_limit_when_two_of_three_are(
    values: list[float], expected: float
) -> None:
    assert held(values, MonitoringSpec(periods=3, datapoints=2)) == expected


def test_one_bad_reading_in_each_of_two_days_is_not_two_of_three() -> None:
    watch = Watch(schedule="rate(1 hour)", periods=3, datapoints=2)
    seen = [watch.run((BAD if hour in (3, 27) else GOOD, 0)) for hour in range(30)]
    assert max(value for (value,) in seen) == GOOD


def test_two_bad_readings_of_three_are_seen_however_slow_the_schedule_is() -> None:
    watch = Watch(schedule="rate(7 days)", periods=3, datapoints=2)
    seen = []
    for reading in (GOOD, BAD, BAD, GOOD, GOOD):
        watch.at += timedelta(days=7)
        seen += watch.run((reading, 0))
    assert seen == [0, GOOD, BAD, BAD, GOOD]


def test_a_window_that_came_late_neither_rings_nor_clears_what_newer_traffic_says() -> None:
    watch = Watch()
    assert watch.run((GOOD, 0)) == [GOOD]
    assert watch.run((BAD, 30)) == []
    assert watch.points(Metric.READING) == []
    assert watch.run((BAD, 0)) == [BAD]
    assert watch.run((GOOD, 40)) == []


def test_an_event_time_that_is_years_off_makes_no_alarm_deaf() -> None:
    watch = Watch()
    watch.named = {"start": "2026-01-01T00:00:00+00:00", "end": "9998-01-01T00:00:00+00:00"}
    assert watch.run((GOOD, 0)) == [GOOD]
    watch.named = {}
    assert watch.run((BAD, 0)) == [BAD]


def test_of_the_windows_of_an_outage_the_newest_is_seen() -> None:
    watch = Watch()
    assert watch.run((BAD, 3), (BAD, 2), (GOOD, 1)) == [GOOD]
    assert watch.points(Metric.PSI) == [GOOD]


def test_a_window_that_is_not_judged_is_no_reading() -> None:
    watch = Watch()
    assert watch.run((BAD, 0)) == [BAD]
    assert watch.run((None, 0)) == []
    assert watch.points(Metric.READING) == []
    watch.run((GOOD, 0))
    assert watch.points(Metric.READING) == [1]


def test_a_silence_longer_than_cloudwatch_looks_back_is_told_by_every_run() -> None:
    watch = Watch(schedule="rate(7 days)")
    watch.ledger.append(ROLLOUT_SERVING, "p", {"version": 1}, watch.at, "test")

    def silent_hours() -> list[float]:
        return watch.points(Metric.SILENT_HOURS)

    watch.run((None, 0))
    assert silent_hours() == [1]
    watch.at += timedelta(days=7)
    watch.run((GOOD, 0))
    assert silent_hours() == [0]
    watch.at += timedelta(days=14)
    watch.run()
    assert silent_hours() == [14 * 24 + 1]


def test_a_silence_that_cloudwatch_sees_by_itself_is_told_by_nobody() -> None:
    watch = Watch()
    watch.run((GOOD, 0))
    assert watch.points(Metric.SILENT_HOURS) == []


def test_a_version_that_is_brought_back_was_not_silent_while_another_served() -> None:
    watch = Watch(schedule="rate(7 days)")
    watch.run((GOOD, 0))
    watch.at += timedelta(days=21)
    watch.ledger.append(ROLLBACK_DONE, "r", {"version": 1}, watch.at, "test")
    watch.run()
    assert watch.points(Metric.SILENT_HOURS) == [1]


def test_a_retry_of_the_last_turn_puts_the_same_and_a_run_without_news_nothing() -> None:
    watch = Watch()
    watch.run((BAD, 0))
    before = list(watch.metrics.points)
    watch.publication().readings()
    assert watch.metrics.points[len(before) :] == [point for point in before if point[0] is not Metric.ROWS_MEASURED]
    assert watch.run() == []
    assert watch.metrics.points == []


def test_moments_are_compared_as_exactly_as_the_ledger_keeps_them() -> None:
    watch = Watch()
    watch.at = datetime.fromisoformat("2026-02-03T04:05:06.789123+00:00")
    watch.run((GOOD, 0))
    (entry,) = watch.ledger.entries("window.measured")
    watch.ledger.rows[-1] = entry.__class__(**{**vars(entry), "at": entry.at.replace(microsecond=789000)})
    watch.metrics.points.clear()
    watch.publication().readings()
    assert watch.points(Metric.READING) == [1]


def test_bias_is_seen_with_and_without_truth() -> None:
    watch = Watch()
    said = {"version": 1, "metric": "auc", "rows": 9, "estimate": None, "reason": "", "bias": []}

    def run(day: int, **more: Any) -> list[float]:
        watch.at = NOON + timedelta(days=day)
        watch.metrics.points.clear()
        end = watch.at.isoformat()
        period = {"window": f"w{day}", "period": {"start": end, "end": end}}
        publication = watch.publication()
        if "bias_excess" in more:
            publication.estimates([said | period | more])
        else:
            none = {"n": 9, "metrics": {}, "drop": None, "judged": False, "coverage": 1.0}
            publication.quality([said | period | none | more])
        publication.readings()
        return watch.points(Metric.BIAS_EXCESS)

    assert run(1, bias_excess=0.0) == [0.0]
    assert run(2, bias_excess_truth=2.5) == [2.5]
    assert run(3, bias_excess=1.3) == [2.5]
    assert run(4, bias_excess_truth=0.0) == [1.3]
    assert run(5, bias_excess=None) == []
