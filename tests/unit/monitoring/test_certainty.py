"""A drop is one beyond chance, of the window and of the evaluation both."""

import math
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tests.unit.monitoring.labelled import MODEL, records, spec, without_truth
from trimtab.evaluation.bootstrap import Estimate
from trimtab.monitoring.quality import Quality, measure_window
from trimtab.monitoring.records import LABEL, SCORE
from trimtab.monitoring.reference import Reference, Shortfall
from trimtab.monitoring.selection import selection
from trimtab.spec import parse_spec

KNOWN = Reference({"auc": 0.70}, {"auc": [0.68, 0.72]})


def measured(table: pa.Table, reference: Reference = KNOWN, **monitoring: object) -> Quality:
    return measure_window("w", table, 1, reference, spec(**monitoring))


def test_the_interval_covers_what_many_windows_have_as_often_as_it_claims() -> None:
    truth = measured(records(200_000, seed=99)).metrics["auc"]
    assert truth is not None
    covered = 0
    for seed in range(60):
        found = measured(records(800, seed=seed)).interval
        assert found is not None
        covered += found.lo <= truth <= found.hi
    assert 51 <= covered <= 60  # 95 % promised


def test_a_drop_that_may_be_chance_rings_nothing_and_is_still_told() -> None:
    value = measured(records(300)).metrics["auc"]
    assert value is not None
    few = measured(records(300), Reference({"auc": value + 0.03}, {"auc": [value, value + 0.06]}))
    assert few.drop == pytest.approx(0.03)
    assert few.reading == 0.0
    many = measured(records(300), Reference({"auc": value + 0.2}, {"auc": [value + 0.19, value + 0.21]}))
    assert many.reading == many.drop == pytest.approx(0.2)


def test_the_evaluations_own_uncertainty_counts() -> None:
    value = measured(records(3000)).metrics["auc"]
    assert value is not None
    sure = measured(records(3000), Reference({"auc": value + 0.05}, {"auc": [value + 0.049, value + 0.051]}))
    unsure = measured(records(3000), Reference({"auc": value + 0.05}, {"auc": [value - 0.05, value + 0.15]}))
    assert sure.reading == pytest.approx(0.05)
    assert unsure.reading == 0.0
    said = sure.to_json()
    assert said["error"] == pytest.approx(unsure.to_json()["error"])
    assert said["drop_error"] < unsure.to_json()["drop_error"]


def test_a_model_as_good_as_at_evaluation_is_told_from_chance_as_often_as_promised() -> None:
    """Of 80 windows of a model that has not changed, and an evaluation of as many rows."""
    rang = 0
    for seed in range(80):
        then = measured(records(600, seed=1000 + seed))
        assert then.interval is not None
        reference = Reference({"auc": then.interval.value}, {"auc": [then.interval.lo, then.interval.hi]})
        found = measured(records(600, seed=seed), reference)
        assert found.reading is not None
        rang += found.reading > 0
    assert 2 <= rang <= 16  # one in ten promised, so 8; outside by chance one time in a hundred, before any limit


def test_a_better_window_clears_with_its_own_figure() -> None:
    found = Shortfall.of("auc", Estimate(0.8, 0.79, 0.81), Estimate(0.7, 0.69, 0.71), 0.95)
    assert found.reading == pytest.approx(-0.1)
    worse = Shortfall.of("rmse", Estimate(120, 119, 121), Estimate(100, 99, 101), 0.95)
    assert worse.reading == pytest.approx(20)


def test_a_value_without_an_interval_is_not_judged() -> None:
    found = Shortfall.of("auc", Estimate(0.5, math.nan, math.nan), Estimate(0.7, 0.69, 0.71), 0.95)
    assert found.reading is None


def test_too_little_truth_is_measured_and_not_judged() -> None:
    table = without_truth(records(2000), np.arange(2000) % 4 > 0)
    found = measured(table, quality={"min_coverage": 0.5})
    assert (found.judged, found.reading) == (False, None)
    assert "truth of 25% of the records" in found.reason
    assert measured(table).judged


def test_labels_that_come_for_low_scores_only_are_seen_by_the_scores() -> None:
    table = records(4000)
    score = table.column("_score").to_numpy()
    selected = selection(without_truth(table, score > 0.5))
    at_random = selection(without_truth(table, np.random.default_rng(3).random(4000) < 0.3))
    assert selected is not None
    assert selected.selected
    assert at_random is not None
    assert not at_random.selected
    assert at_random.p_value > 0.01
    assert selection(table) is None


def test_the_threshold_of_the_version_that_answered_is_used() -> None:
    low = measured(records(), replace(KNOWN, threshold=0.2)).metrics["f_beta"]
    assert low != measured(records(), KNOWN).metrics["f_beta"]


def test_an_evaluation_is_read_as_it_was_written() -> None:
    document = {
        "bootstrap": {"confidence": 0.9, "blocks": {"design_effect": 2.5}},
        "intervals": {"candidate": {"auc": [0.6, 0.8]}},
        "threshold": {"value": 0.3},
        "slices": [{"name": "a=1", "declared": True}, {"name": "b=1", "declared": False}],
        "calibration": {"bins": []},
    }
    found = Reference.of({"auc": 0.7}, document)
    assert (found.confidence, found.design_effect, found.threshold) == (0.9, 2.5, 0.3)
    assert [each["name"] for each in found.slices] == ["a=1"]
    assert found.of_metric("auc") == Estimate(0.7, 0.6, 0.8)
    assert found.of_metric("brier") is None
    assert Reference.of({"auc": 0.7}, {"threshold": None, "bootstrap": {"blocks": None}}).threshold == 0.5


def test_rows_near_in_time_that_are_wrong_together_make_a_wider_interval() -> None:
    table = records(6000, days=60)
    day = np.array([moment.day + 31 * moment.month for moment in table.column("asked").to_pylist()])
    bad = np.isin(day, np.unique(day)[20:35])
    score, label = table.column("_score").to_numpy(), table.column(LABEL).to_numpy()
    clustered = np.where(bad, score < 0.4, label).astype("int64")
    together = table.set_column(table.column_names.index(LABEL), LABEL, pa.array(clustered))
    shuffled = pa.array(np.random.default_rng(1).permutation(6000))
    apart = together.set_column(together.column_names.index("asked"), "asked", table.column("asked").take(shuffled))
    wide, narrow = measured(together).interval, measured(apart).interval
    assert wide is not None
    assert narrow is not None
    assert wide.hi - wide.lo > 1.5 * (narrow.hi - narrow.lo)


def test_an_error_in_the_labels_unit_is_larger_by_a_share_unless_the_author_says_by_how_much() -> None:
    numbers = MODEL.replace("name: loans", "name: loans\nproblem: regression")
    plain = numbers.replace("paid: {type: integer, domain: [0, 1], nullable: true}", "paid: {type: number}")
    rules = [
        parse_spec(plain.replace("monitoring: {min_rows: 100}", f"monitoring: {{min_rows: 100, quality: {said}}}"))
        for said in ("{}", "{max_drop: 20}", "{max_drop: 0.1, drop_in: share}", "{metric: r2}")
    ]
    found = [(rule.monitoring.quality.drop_in, rule.monitoring.quality.max_drop) for rule in rules]
    assert found == [("share", 0.05), ("metric", 20), ("share", 0.1), ("metric", 0.05)]
    assert [parse_spec(rule.canonical_json()) for rule in rules] == rules
    table = records(2000)
    score = np.asarray(table.column(SCORE).to_numpy()) * 1000
    label = pa.array(score + np.random.default_rng(1).normal(0, 110, 2000))
    table = table.set_column(table.column_names.index(SCORE), SCORE, pa.array(score))
    table = table.set_column(table.column_names.index(LABEL), LABEL, label)
    then = Reference({"rmse": 100.0}, {"rmse": [98.0, 102.0]})
    shares, absolute = (measure_window("w", table, 1, then, rule) for rule in rules[:2])
    assert absolute.reading is not None
    assert absolute.reading == pytest.approx(10, abs=4)
    assert shares.reading == pytest.approx(absolute.reading / 100)
    for name in ("drop", "error", "drop_error", "reading"):
        assert shares.to_json()[name] == pytest.approx(absolute.to_json()[name] / 100)
    assert shares.to_json()["interval"] == absolute.to_json()["interval"]
