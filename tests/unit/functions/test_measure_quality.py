"""Performance is measured on the labels known now."""

import json
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from tests.unit.functions.scene import kinds
from tests.unit.monitoring.production import ROWS, Production, population, truth_of
from trimtab.telemetry import Metric

EVALUATION = {
    "bootstrap": {"confidence": 0.95, "blocks": None},
    "intervals": {"candidate": {"auc": [0.81, 0.85]}},
    "threshold": {"value": 0.5},
    "calibration": {
        "intercept": {"value": 0.0, "lo": -0.1, "hi": 0.1},
        "slope": {"value": 1.0, "lo": 0.9, "hi": 1.1},
    },
    "slices": [
        {"name": "kind=a", "columns": ["kind"], "declared": True, "metrics": {"auc": 0.83}, "interval": [0.8, 0.86]},
        {"name": "kind=b & x=missing", "columns": ["kind", "x"], "declared": False},
    ],
}
"""Of scores that mean what they say, with an area of 5/6."""


def test_truth_that_comes_later_is_joined_and_measured(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    assert production.run()["joined"] == []
    production.scene.later(days=14)
    production.truth(rows, "january", truth_of(rows))
    found = production.run()
    assert found["window"] is None
    assert found["joined"][0]["coverage"] == 1.0
    quality = found["quality"][0]
    assert quality["n"] == ROWS
    assert quality["auc"] == pytest.approx(0.83, abs=0.03)  # the area for y ~ Bernoulli(x), x even on 0..1, is 5/6
    assert quality["rate"] == pytest.approx(0.5, abs=0.05)
    assert quality["drop"] == pytest.approx(0.8 - quality["auc"])
    assert production.points(Metric.QUALITY_DROP) == [quality["drop"]]
    assert production.scene.ledger.entries("quality.measured")[0].data["n"] == ROWS


def test_a_corrected_label_replaces_the_earlier_one(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "wrong", 1 - truth_of(rows))
    worse = production.run()["quality"][0]["auc"]
    production.scene.later(days=1)
    production.truth(rows, "right", truth_of(rows))
    assert production.run()["quality"][0]["auc"] > 0.8 > 0.2 > worse


def test_truth_of_one_class_only_is_measured_without_an_auc(production: Production) -> None:
    rows = population(11)
    production.traffic(rows)
    production.truth(rows, "ones", np.ones(ROWS, "int64"))
    quality = production.run()["quality"][0]
    assert quality["auc"] is None
    assert quality["drop"] is None
    assert production.points(Metric.QUALITY_DROP) == []


def joined_window(production: Production) -> list[dict[str, Any]]:
    rows = population(11)
    production.traffic(rows)
    production.call("collect_window")
    production.truth(rows, "now", truth_of(rows))
    return list(production.call("join_truth")["joined"])


def span_of(production: Production, window: str) -> dict[str, str]:
    """When the window's requests came, as it was collected."""
    (entry,) = production.scene.ledger.entries("window.collected", window)
    return {name: datetime.fromisoformat(entry.data[name]).isoformat() for name in ("start", "end")}


def test_the_report_beside_the_window_is_the_answer_and_a_retry_changes_neither(production: Production) -> None:
    joined = joined_window(production)
    measured = production.call("measure_quality", joined=joined)
    uri = f"s3://captures/tiny/windows/{joined[0]['window']}/quality.json"
    assert json.loads(production.scene.objects.read(uri)) == measured["windows"][0]  # slices: it has none
    assert measured["windows"][0]["coverage"] == 1.0
    assert measured["windows"][0]["asked"] == span_of(production, joined[0]["window"])
    before = kinds(production.scene)
    assert production.call("measure_quality", joined=joined) == measured
    assert kinds(production.scene) == before


def test_without_joined_windows_there_is_nothing_to_measure(production: Production) -> None:
    assert production.call("measure_quality") == {"estimates": [], "windows": []}


def test_a_window_that_nobody_collected_is_refused(production: Production) -> None:
    joined = [each | {"window": "20200101T000000Z"} for each in joined_window(production)]
    with pytest.raises(KeyError, match="20200101T000000Z"):
        production.call("measure_quality", joined=joined)


def test_losses_of_every_version_lie_beside_the_window_for_a_rollout_that_still_goes_on(production: Production) -> None:
    old, new = population(11), population(12, first=ROWS)
    production.traffic(old, version=1)
    production.traffic(new, version=2, count=500)
    production.call("collect_window")
    production.truth(old, "old", truth_of(old))
    production.truth(new, "new", 1 - truth_of(new))
    joined = production.call("join_truth")["joined"]
    production.call("measure_quality", joined=joined)
    uri = f"s3://captures/tiny/windows/{joined[0]['window']}/losses.json"
    losses = {
        version: [row[2] for row in rows] for version, rows in json.loads(production.scene.objects.read(uri)).items()
    }
    assert {version: len(found) for version, found in losses.items()} == {"1": ROWS, "2": 500}
    assert np.mean(losses["1"]) == pytest.approx(1 / 6, abs=0.02)  # the Brier score of x itself, x even on 0..1
    assert np.mean(losses["2"]) > 0.3


def evaluated(production: Production) -> Production:
    production.serve(2, auc=0.83, evaluation=EVALUATION)
    return production


def test_performance_is_estimated_when_a_window_is_collected_and_held_against_its_truth(production: Production) -> None:
    rows = population(11)
    evaluated(production).traffic(rows, version=2)
    production.run()
    (entry,) = production.scene.ledger.entries("performance.estimated")
    said = entry.data
    assert said["estimate"] == pytest.approx(0.83, abs=0.02)
    assert said["interval"][0] < said["estimate"] < said["interval"][1]
    assert said["estimate_error"] > 0
    assert "if what they mean has not changed" in said["summary"]
    assert len(production.points(Metric.QUALITY_ESTIMATE_DROP)) == 1
    production.scene.later(days=14)
    production.truth(rows, "january", truth_of(rows))
    estimate = production.run()["quality"][0]["estimate"]
    assert estimate["value"] == said["estimate"]
    assert estimate["later"]["within"]
    production.traffic(population(12, first=ROWS), version=2)
    production.run()
    newest = production.scene.ledger.entries("performance.estimated")[-1]
    assert newest.data["track_record"]["windows"] == newest.data["track_record"]["within"] == 1


def test_a_window_without_an_evaluation_to_estimate_by_says_so(production: Production) -> None:
    production.traffic(population(11))
    production.run()
    (entry,) = production.scene.ledger.entries("performance.estimated")
    assert entry.data["estimate"] is None
    assert "auc is not estimated: the evaluation could not tell" in entry.data["summary"]
    assert production.points(Metric.QUALITY_ESTIMATE_DROP) == []


def test_slices_and_intervals_are_measured_against_the_evaluation_of_the_version(production: Production) -> None:
    rows = population(11)
    evaluated(production).traffic(rows, version=2)
    label = truth_of(rows)
    blind = np.where(rows["kind"] == "a", np.random.default_rng(1).integers(0, 2, ROWS), label)
    production.truth(rows, "now", blind)
    quality = production.run()["quality"][0]
    assert quality["slices_fallen"] == ["kind=a"]
    assert production.points(Metric.SLICE_DROP) == [quality["slice_drop"]]
    assert quality["slice_drop"] > 0.1
    assert quality["reading"] == quality["drop"] > 0.05
    low, high = quality["drop_interval"]
    assert 0 < low < quality["drop"] < high
    assert production.points(Metric.TRUTH_COVERAGE) == [1.0]
    assert (
        "fallen further than the whole: kind=a"
        in production.scene.ledger.entries("quality.measured")[0].data["summary"]
    )


def test_a_repeated_run_estimates_once(production: Production) -> None:
    evaluated(production).traffic(population(11), version=2)
    window = production.call("collect_window")["window"]
    first = production.call("measure_quality", window=window)
    assert production.call("measure_quality", window=window) == first
    for _ in range(2):
        production.call("publish_metrics", quality=first)
    assert len(production.scene.ledger.entries("performance.estimated")) == 1
    uri = f"s3://captures/tiny/windows/{window['id']}/estimate.json"
    assert json.loads(production.scene.objects.read(uri)) == first["estimates"][0]
