"""Metrics against scikit-learn, and where they have no value."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from trimtab.evaluation.metrics import Scored, measure

REFERENCES = {
    "auc": reference.roc_auc_score,
    "average_precision": reference.average_precision_score,
    "log_loss": reference.log_loss,
    "brier": reference.brier_score_loss,
    "accuracy": lambda label, score: reference.accuracy_score(label, score >= 0.5),
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("decimals", [1, 3, 12], ids=["many ties", "some ties", "no ties"])
def test_metrics_agree_with_scikit_learn(name: str, decimals: int) -> None:
    random = np.random.default_rng(1)
    label = (random.random(2_000) < 0.3).astype(int)
    score = np.clip(random.normal(0.3 + 0.2 * label, 0.2), 0.01, 0.99).round(decimals)
    assert measure(label, score)[name] == pytest.approx(REFERENCES[name](label, score), abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.5, 0.9])), min_size=2, max_size=40))
def test_a_weight_of_two_is_the_row_twice(rows: list[tuple[int, float]]) -> None:
    label, score = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    weights = np.array([1.0 + row % 2 for row in range(len(rows))])
    twice = np.repeat(np.arange(len(rows)), weights.astype(int))
    weighted = Scored.of(label, score).measure(weights[None, :])
    for name, value in measure(label[twice], score[twice]).items():
        assert weighted[name][0] == pytest.approx(value, nan_ok=True)


def test_a_constant_score_ranks_nothing() -> None:
    assert measure(np.array([0, 1, 1, 0]), np.full(4, 0.5))["auc"] == 0.5


def test_with_one_class_there_is_no_ranking_to_measure() -> None:
    found = measure(np.ones(5), np.linspace(0.1, 0.9, 5))
    assert math.isnan(found["auc"])
    assert math.isfinite(found["log_loss"])


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.1])
def test_a_score_that_is_no_probability_voids_every_metric(wrong: float) -> None:
    found = measure(np.array([0, 1, 1, 0]), np.array([0.2, 0.8, wrong, 0.1]))
    assert all(math.isnan(value) for value in found.values())


def test_no_rows_have_no_metrics() -> None:
    assert all(math.isnan(value) for value in measure(np.array([]), np.array([])).values())
