"""Drift is measured against the baseline of the version that answered."""

import json

from tests.unit.functions.scene import kinds, tiny_spec
from tests.unit.monitoring.production import Production, population
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


def test_a_window_that_is_too_thin_is_not_judged_but_is_a_reading(production: Production) -> None:
    production.traffic(population(11, low=0.5), count=49)
    drift = production.run()["drift"]
    assert (drift["judged"], drift["max_psi"]) == (False, None)
    assert drift["reason"] == "49 rows, fewer than 50"
    assert production.points(Metric.PSI_MAX) == []
    assert production.points(Metric.READING) == [1]


def test_a_window_is_compared_with_the_baseline_of_the_version_that_answered(production: Production) -> None:
    production.traffic(population(11, low=0.5))
    production.serve(2)
    drift = production.run()["drift"]
    assert drift["version"] == 1
    assert drift["drifted"] == ["x"]
    assert production.points(Metric.PSI_MAX) == []  # version 2 serves, so version 1's drift rings no alarm


def test_a_version_without_a_baseline_is_not_judged(production: Production) -> None:
    production.traffic(population(11), version=9)
    drift = production.run()["drift"]
    assert drift["reason"] == "version 9 has no published baseline"


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
