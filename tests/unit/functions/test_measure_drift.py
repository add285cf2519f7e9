"""Drift is measured against the baseline of the version that answered."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.functions.scene import SPEC, Scene, kinds, tiny_spec
from tests.unit.monitoring.production import Production, population
from trimtab.data.profile import profile_table
from trimtab.telemetry import Metric


def test_traffic_like_the_training_rows_does_not_drift(production: Production) -> None:
    production.traffic(population(11))
    drift = production.run()["drift"]
    assert drift["judged"] is True
    assert drift["max_psi"] < 0.05
    assert drift["prediction_psi"] < 0.05
    assert drift["drifted"] == []


def test_traffic_that_moved_is_told_by_column(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    drift = production.run()["drift"]
    assert drift["drifted"] == ["x"]
    assert drift["max_psi"] == drift["columns"]["x"] > 1
    assert drift["columns"]["kind"] < 0.05
    assert drift["prediction_psi"] > 1
    assert production.points(Metric.PSI_MAX) == [drift["max_psi"]]
    assert production.points(Metric.PSI_PREDICTION) == [drift["prediction_psi"]]
    assert production.points(Metric.READING) == [1]


def test_a_window_that_is_too_thin_is_not_judged_and_no_reading(production: Production) -> None:
    production.traffic(population(11, low=0.5), count=49)
    drift = production.run()["drift"]
    assert (drift["judged"], drift["max_psi"]) == (False, None)
    assert drift["reason"] == "49 rows, fewer than 50"
    assert production.points(Metric.PSI_MAX) == []
    assert production.points(Metric.READING) == []  # traffic that stays thin has to ring the dead-man alarm


def test_a_window_is_compared_with_the_baseline_of_the_version_that_answered(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    production.serve(2)
    drift = production.run()["drift"]
    assert drift["version"] == 1
    assert drift["drifted"] == ["x"]
    assert production.points(Metric.PSI_MAX) == []  # version 2 serves, so version 1's drift rings no alarm
    assert production.points(Metric.READING) == []  # and nothing is known of version 2


def test_a_version_without_a_baseline_is_not_judged(production: Production) -> None:
    production.traffic(population(11), version=9)
    drift = production.run()["drift"]
    assert drift["reason"] == "version 9 has no published baseline"
    assert production.points(Metric.READING) == []


def test_the_report_beside_the_window_says_what_the_answer_says_and_a_retry_writes_it_again(
    production: Production,
) -> None:
    production.traffic(population(11, low=0.5))
    window = production.call("collect_window")["window"]
    drift = production.call("measure_drift", window=window)
    report = production.scene.objects.read(drift["report_uri"])
    told = json.loads(report)
    assert drift["report_uri"] == f"s3://captures/tiny/windows/{window['id']}/drift.json"
    assert told["window"] == window
    assert told["psi_limit"] == tiny_spec().monitoring.psi_limit
    before = kinds(production.scene)
    assert production.call("measure_drift", window=window) == drift
    assert production.scene.objects.read(drift["report_uri"]) == report
    assert kinds(production.scene) == before


def test_every_reading_has_its_error_and_what_chance_adds_is_taken_off(production: Production) -> None:
    production.traffic(population(11))
    drift = production.run()["drift"]
    assert drift["errors"].keys() == drift["corrected"].keys() == drift["columns"].keys()
    for name, error in drift["errors"].items():
        assert abs(drift["corrected"][name]) < 3 * error
        assert drift["corrected"][name] < drift["columns"][name]
    assert abs(drift["prediction_value"]) < 3 * drift["prediction_error"]
    (entry,) = production.scene.ledger.entries("window.measured")
    for name in ("errors", "corrected", "prediction_value", "prediction_error", "weighted_psi", "weighted_error"):
        assert entry.data[name] == drift[name]


def lean_on(production: Production, **importance: float) -> None:
    """Version 1 was evaluated with this importance of its features."""
    (published,) = production.scene.ledger.entries("baseline.published")
    uri = "s3://artifacts/tiny/runs/r1/evaluation/evaluation.json"
    production.scene.objects.write(uri, json.dumps({"importance": importance}).encode())
    data = {**published.data, "evaluation_uri": uri}
    production.scene.ledger.append("baseline.published", "again", data, production.scene.now, "test")


@pytest.mark.parametrize(("weight", "rings"), [(0.02, False), (0.9, True)])
def test_drift_counts_by_what_the_version_leans_on(production: Production, weight: float, rings: bool) -> None:
    lean_on(production, x=weight, kind=1 - weight)
    production.traffic(population(11, low=0.5))
    drift = production.run()["drift"]
    assert drift["importance"] == pytest.approx({"x": weight, "kind": 1 - weight})
    assert (production.points(Metric.PSI_WEIGHTED)[0] > tiny_spec().monitoring.psi_limit) is rings
    assert production.points(Metric.PSI_MAX)[0] > 1


def thousandfold(rows: dict[str, Any]) -> dict[str, Any]:
    return {**rows, "x": rows["x"] * 1000}


def test_another_unit_is_a_break_and_no_drift(production: Production) -> None:
    production.traffic(thousandfold(population(11)))
    drift = production.run()["drift"]
    assert [(found["kind"], found["columns"]) for found in drift["schema_breaks"]] == [("unit", ["x"])]
    assert drift["columns"]["x"] > 1
    assert (drift["drifted"], drift["max_psi"]) == ([], 0.0)
    assert production.points(Metric.SCHEMA_BREAKS) == [1]
    (entry,) = production.scene.ledger.entries("window.measured")
    assert "broken: 'x' looks like times 1,000" in entry.data["summary"]


def test_a_break_is_seen_against_the_last_window_that_had_none_until_it_is_mended(production: Production) -> None:
    breaks = []
    for hour, low in enumerate((0.0, 0.9, 0.0)):
        production.scene.later(hours=1)
        rows = population(11 + hour, low=low, first=10_000 * hour)
        kinds = rows["kind"] if not low else np.char.upper(rows["kind"])
        production.traffic({**rows, "kind": kinds})
        breaks.append([found["against"] for found in production.run()["drift"]["schema_breaks"]])
    assert breaks == [[], ["previous window"], []]


def test_values_outside_the_contract_are_measured(production: Production) -> None:
    rows = population(11)
    production.traffic({**rows, "x": np.where(np.arange(len(rows["x"])) < 100, 1.5, rows["x"])})
    drift = production.run()["drift"]
    assert drift["quality"]["x"] == {"range": 0.05}
    report = json.loads(production.scene.objects.read(drift["report_uri"]))
    (found,) = [rule for rule in report["quality"] if (rule["column"], rule["rule"]) == ("x", "range")]
    assert found["broken"] == 100
    assert found["low"] < 0.05 < found["high"]


def test_what_could_not_be_read_is_a_share_of_the_requests(production: Production) -> None:
    production.traffic(population(11))
    window = production.call("collect_window")["window"] | {"unreadable": 3}
    assert production.call("measure_drift", window=window)["unreadable"] == 0.75


def test_the_report_has_the_distributions_of_both_sides(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    report = json.loads(production.scene.objects.read(production.run()["drift"]["report_uri"]))
    x = next(column for column in report["columns"] if column["column"] == "x")
    assert sum(x["bins"]["reference"]) == sum(x["bins"]["current"]) == 2000
    assert x["psi_error"] > 0


def test_a_window_is_held_against_the_same_month_of_an_earlier_year_where_the_spec_says_so() -> None:
    spec = tiny_spec(SPEC.replace("{min_rows: 50}", "{min_rows: 50, reference: same_period}"))
    production = Production()
    production.scene = Scene(spec=spec)
    production.serve(1)
    production.traffic(population(11, low=0.5))
    window = production.call("collect_window")["window"]
    drift = production.call("measure_drift", window=window)
    assert (drift["drifted"], drift["reference"]) == (["x"], "training")
    assert drift["reference_reason"] == "0 rows of the same month are known, fewer than monitoring.min_rows"
    _january_before(production)
    again = production.call("measure_drift", window=window)
    assert (again["drifted"], again["reference"]) == ([], "same period: 2025-01")
    assert again["period"]["start"] == production.scene.now.isoformat()


def _january_before(production: Production) -> None:
    """A drop of the January before was accepted; its x lay where it lies now."""
    rows = population(12, low=0.5)
    columns = {name: production.scene.spec.data.columns[name] for name in ("x", "kind")}
    profile = profile_table(pa.table({name: rows[name] for name in columns}), columns)
    uri = "s3://artifacts/tiny/reports/january/profile.json"
    production.scene.objects.write(uri, profile.dumps())
    period = {"start": "2025-01-01T00:00:00+00:00", "end": "2025-01-31T23:00:00+00:00"}
    data = {"kind": "data", "uri": "s3://drops/tiny/january", "profile": uri, "period": period}
    production.scene.ledger.append("drop.accepted", "january", data, production.scene.now, "accept_drop")
