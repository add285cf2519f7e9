"""Performance is measured on the labels known now."""

import json
from typing import Any

import numpy as np
import pytest

from tests.unit.functions.scene import kinds
from tests.unit.monitoring.production import ROWS, Production, population, truth_of
from trimtab.telemetry import Metric


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


def test_the_report_beside_the_window_is_the_answer_and_a_retry_changes_neither(production: Production) -> None:
    joined = joined_window(production)
    measured = production.call("measure_quality", joined=joined)
    uri = f"s3://captures/tiny/windows/{joined[0]['window']}/quality.json"
    assert json.loads(production.scene.objects.read(uri)) == measured["windows"][0]  # slices: it has none
    assert measured["windows"][0]["coverage"] == 1.0
    before = kinds(production.scene)
    assert production.call("measure_quality", joined=joined) == measured
    assert kinds(production.scene) == before


def test_without_joined_windows_there_is_nothing_to_measure(production: Production) -> None:
    assert production.call("measure_quality") == {"windows": []}


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
