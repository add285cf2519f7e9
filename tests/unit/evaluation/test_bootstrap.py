"""Intervals: what they cover, and that a paired comparison is one."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from trimtab.evaluation.bootstrap import draw_weights, resample

SETTINGS: dict[str, Any] = {"rounds": 200, "confidence": 0.9}


def scored(random: np.random.Generator, n: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and a score whose true AUC is Phi(effect / sqrt 2)."""
    label = (random.random(n) < 0.3).astype(int)
    return label, norm.cdf(random.normal(effect * label, 1.0))


def test_the_same_seed_gives_the_same_interval() -> None:
    label, score = scored(np.random.default_rng(0), 500, 1.0)
    first, second = (resample(label, {"a": score}, seed=3, **SETTINGS).interval("a", "auc") for _ in range(2))
    other = resample(label, {"a": score}, seed=4, **SETTINGS).interval("a", "auc")
    assert first == second
    assert first != other
    assert first.lo < first.value < first.hi


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth, covered, trials = norm.cdf(1.0 / math.sqrt(2)), 0, 300
    for trial in range(trials):
        label, score = scored(np.random.default_rng([11, trial]), 400, 1.0)
        found = resample(label, {"a": score}, seed=trial, **SETTINGS).interval("a", "auc")
        covered += found.lo <= truth <= found.hi
    margin = 3 * math.sqrt(0.9 * 0.1 / trials)
    assert covered / trials == pytest.approx(0.9, abs=margin)


def test_equal_models_are_rarely_called_different() -> None:
    """One-sided: the share of draws of data in which the lower end of a null difference exceeds 0."""
    wrong, trials = 0, 300
    for trial in range(trials):
        random = np.random.default_rng([5, trial])
        label, score = scored(random, 400, 1.0)
        noisy = [np.clip(score + random.normal(0, 0.05, 400), 0, 1) for _ in range(2)]
        measured = resample(label, {"a": noisy[0], "b": noisy[1]}, seed=trial, **SETTINGS)
        wrong += measured.difference("a", "b", "auc").lo > 0
    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    random = np.random.default_rng(2)
    label, score = scored(random, 1000, 1.0)
    near = np.clip(score + random.normal(0, 0.02, 1000), 0, 1)
    measured = resample(label, {"a": score, "b": near}, seed=0, **SETTINGS)
    difference, alone = measured.difference("a", "b", "auc"), measured.interval("a", "auc")
    assert difference.hi - difference.lo < 0.3 * (alone.hi - alone.lo)


def test_a_model_does_not_differ_from_itself() -> None:
    label, score = scored(np.random.default_rng(0), 300, 1.0)
    found = resample(label, {"a": score, "b": score}, seed=0, **SETTINGS).difference("a", "b", "log_loss")
    assert (found.value, found.lo, found.hi) == (0, 0, 0)


def test_draws_keep_the_number_of_rows_of_each_class() -> None:
    label = np.array([0] * 70 + [1] * 30)
    weights = np.concatenate(list(draw_weights(label, 25, np.random.default_rng(0))))
    assert weights.shape == (25, 100)
    assert (weights[:, :70].sum(axis=1) == 70).all()
    assert (weights[:, 70:].sum(axis=1) == 30).all()


def test_one_class_has_no_interval_for_auc() -> None:
    found = resample(np.ones(50), {"a": np.linspace(0, 1, 50)}, seed=0, **SETTINGS).interval("a", "auc")
    assert math.isnan(found.value)
    assert math.isnan(found.lo)
