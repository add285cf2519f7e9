"""Intervals: what they cover, and that a paired comparison is one."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from trimtab.evaluation.bootstrap import Resampled, resample
from trimtab.evaluation.draws import Stratified
from trimtab.evaluation.kinds import Kind

BINARY = Kind("binary", "auc")


def drawn(label: np.ndarray, models: dict[str, np.ndarray], seed: int = 0, kind: Kind = BINARY) -> Resampled:
    ready = {name: kind.scored(label, score) for name, score in models.items()}
    rows = Stratified(kind.strata(label))
    return resample(ready, rows, rounds=200, confidence=0.9, seed=seed, n=len(label))


def scored(random: np.random.Generator, n: int, effect: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and a score whose true AUC is Phi(effect / sqrt 2)."""
    label = (random.random(n) < 0.3).astype(int)
    return label, norm.cdf(random.normal(effect * label, 1.0))


def test_the_same_seed_gives_the_same_interval() -> None:
    label, score = scored(np.random.default_rng(0), 500, 1.0)
    first, second = (drawn(label, {"a": score}, seed=3).interval("a", "auc") for _ in range(2))
    other = drawn(label, {"a": score}, seed=4).interval("a", "auc")
    assert first == second
    assert first != other
    assert first.lo < first.value < first.hi


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    truth, covered, trials = norm.cdf(1.0 / math.sqrt(2)), 0, 300
    for trial in range(trials):
        label, score = scored(np.random.default_rng([11, trial]), 400, 1.0)
        found = drawn(label, {"a": score}, seed=trial).interval("a", "auc")
        covered += found.lo <= truth <= found.hi
    assert covered / trials == pytest.approx(0.9, abs=3 * math.sqrt(0.9 * 0.1 / trials))


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    random = np.random.default_rng(2)
    label, score = scored(random, 1000, 1.0)
    near = np.clip(score + random.normal(0, 0.02, 1000), 0, 1)
    measured = drawn(label, {"a": score, "b": near})
    difference, alone = measured.difference("a", "b", "auc"), measured.interval("a", "auc")
    assert difference.hi - difference.lo < 0.3 * (alone.hi - alone.lo)


def test_a_model_does_not_differ_from_itself() -> None:
    label, score = scored(np.random.default_rng(0), 300, 1.0)
    found = drawn(label, {"a": score, "b": score}).difference("a", "b", "log_loss")
    assert (found.value, found.lo, found.hi) == (0, 0, 0)


def test_one_class_has_no_interval_for_auc() -> None:
    found = drawn(np.ones(50), {"a": np.linspace(0, 1, 50)}).interval("a", "auc")
    assert math.isnan(found.value)
    assert math.isnan(found.lo)


@pytest.mark.parametrize("rows", [0, 1])
def test_next_to_no_rows_have_no_interval_and_do_no_harm(rows: int) -> None:
    found = drawn(np.ones(rows), {"a": np.full(rows, 0.5)})
    assert math.isnan(found.interval("a", "auc").lo)
    assert math.isnan(found.difference("a", "a", "auc").value)


def moments(random: np.random.Generator, n: int, noise: float) -> tuple[Kind, np.ndarray, np.ndarray, np.ndarray]:
    label = random.normal(size=n)
    one, other = (label + random.normal(0, noise, n) for _ in range(2))
    return Kind("regression", "rmse"), label, one, other


def classes(random: np.random.Generator, n: int, noise: float) -> tuple[Kind, np.ndarray, np.ndarray, np.ndarray]:
    label = random.integers(0, 3, n)
    raised = (np.exp(np.eye(3)[label] * 2 + random.normal(0, noise, (n, 3))) for _ in range(2))
    one, other = (each / each.sum(axis=1, keepdims=True) for each in raised)
    return Kind("multiclass", "log_loss", ("a", "b", "c")), label, one, other


def flags(random: np.random.Generator, n: int, noise: float) -> tuple[Kind, np.ndarray, np.ndarray, np.ndarray]:
    label, score = scored(random, n, 1.0)
    one, other = (np.clip(score + random.normal(0, noise / 20, n), 0, 1) for _ in range(2))
    return BINARY, label, one, other


@pytest.mark.parametrize("make", [flags, classes, moments], ids=["binary", "multiclass", "regression"])
def test_equally_good_models_are_rarely_called_better(make: Any) -> None:
    """The champion's rule: the whole interval of the advantage lies above 0. One-sided, so alpha is 5 %."""
    wrong, trials = 0, 150
    for trial in range(trials):
        kind, label, one, other = make(np.random.default_rng([5, trial]), 300, 1.0)
        found = drawn(label, {"a": one, "b": other}, seed=trial, kind=kind).difference("a", "b", kind.primary)
        wrong += found.lo > 0 if kind.higher_is_better else found.hi < 0
    assert wrong / trials <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)
