"""measure_change: all readings of the serving version together, recorded once, with metrics for two alarms."""

from datetime import timedelta

from tests.unit.monitoring.production import Production
from trimtab.telemetry import Metric


def readings(production: Production, days: int, per_day: float, version: int = 1) -> None:
    """One quality reading a day until now."""
    scene = production.scene
    for day in range(days):
        at = scene.now - timedelta(days=days - day)
        period = {"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()}
        drop = per_day * day + (0.001, -0.001, 0.002)[day % 3]
        data = {"version": version, "window": f"w{day}", "drop": drop, "error": 0.004, "period": period, "n": 9}
        scene.ledger.append("quality.measured", f"w{day}", data, at, "test")


def test_a_fall_that_has_not_crossed_its_limit_is_foretold(production: Production) -> None:
    readings(production, 15, 0.002)
    assert production.call("measure_change") == {"outcome": "Measured", "measures": 1}
    (days,) = production.points(Metric.DAYS_TO_LIMIT)
    assert 6 < days < 14
    (entry,) = production.scene.ledger.entries("change.measured")
    assert entry.data["days_to_limit"] == days
    assert "performance: rising by" in entry.data["summary"]


def test_steady_readings_clear_both_alarms(production: Production) -> None:
    readings(production, 15, 0.0)
    production.call("measure_change")
    horizon = production.scene.runtime.spec.monitoring.change.horizon_days
    assert production.points(Metric.DAYS_TO_LIMIT) == [horizon]
    (evidence,) = production.points(Metric.CHANGE)
    assert evidence < 1


def test_a_retry_records_nothing_twice(production: Production) -> None:
    readings(production, 15, 0.002)
    assert production.call("measure_change") == production.call("measure_change")
    assert len(production.scene.ledger.entries("change.measured")) == 1


def test_an_earlier_version_s_readings_say_nothing_about_its_successor(production: Production) -> None:
    readings(production, 15, 0.002)
    production.serve(2)
    assert production.call("measure_change") == {"outcome": "NoReadings", "measures": 0}
    assert production.points(Metric.CHANGE) == []


def test_every_run_says_what_the_day_has_cost(production: Production) -> None:
    production.call("measure_change")
    (usd,) = production.points(Metric.COST_PER_DAY)
    assert usd > 2 * 24 * 0.115, "two instances of ml.m5.large for a day, and what watches them"


def test_nothing_serves_nothing_is_measured(production: Production) -> None:
    production.scene.ledger.states.pop("champion")
    assert production.call("measure_change") == {"outcome": "NotServing", "measures": 0}
