"""Metrics are of the version that serves; the ledger has every measurement once."""

from tests.unit.monitoring.production import Production, population, truth_of
from trimtab.telemetry import Metric


def test_quality_of_an_earlier_version_is_recorded_but_rings_no_alarm(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.run()
    production.serve(2)
    production.scene.later(days=14)
    production.truth(rows, "late", truth_of(rows))
    assert production.run()["quality"][0]["version"] == 1
    assert production.points(Metric.QUALITY) == []
    assert len(production.scene.ledger.entries("quality.measured")) == 1


def test_a_run_without_traffic_publishes_nothing(production: Production) -> None:
    assert production.call("publish_metrics") == {"outcome": "Measured", "metrics": 0}
    assert production.scene.metrics.points == []
    assert production.scene.ledger.entries("window.measured") == []


def test_the_ledger_says_what_was_measured_and_a_retry_adds_nothing(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    window = production.call("collect_window")["window"]
    drift = production.call("measure_drift", window=window)
    production.scene.metrics.points.clear()
    first = production.call("publish_metrics", window=window, drift=drift)
    assert first["metrics"] == len(production.scene.metrics.points) == 2 + len(drift["columns"]) + 4
    assert production.call("publish_metrics", window=window, drift=drift) == first
    entries = production.scene.ledger.entries("window.measured")
    assert [entry.subject for entry in entries] == [window["id"]]
    assert entries[0].data["drifted"] == ["x"]
    assert "1 columns beyond the limit" in entries[0].data["summary"]


def test_each_column_has_its_own_reading(production: Production) -> None:
    production.traffic(population(11))
    drift = production.run()["drift"]
    points = {parts["Column"]: value for name, value, parts in production.scene.metrics.points if name is Metric.PSI}
    assert points == drift["columns"]
