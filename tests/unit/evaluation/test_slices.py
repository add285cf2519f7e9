"""Slices and permutation importance."""

import numpy as np

from trimtab.evaluation.importance import importance, sample, shuffled_blocks
from trimtab.evaluation.slices import MIN_ROWS, cut, measure_slices


def test_few_values_are_cut_one_by_one_and_the_missing_apart() -> None:
    column = np.array(["a"] * 3 + ["b"] * 2 + [None], dtype=object)
    assert {value: int(rows.sum()) for value, rows in cut(column)} == {"missing": 1, "a": 3, "b": 2}


def test_a_number_with_many_values_is_cut_into_quartiles() -> None:
    column = np.append(np.arange(1000, dtype=float), np.nan)
    parts = {value: int(rows.sum()) for value, rows in cut(column)}
    assert parts.pop("missing") == 1
    assert list(parts.values()) == [250, 250, 250, 250]


def test_a_broken_slice_shows_and_a_small_one_is_left_out() -> None:
    random = np.random.default_rng(0)
    site = np.array(["good"] * 500 + ["bad"] * 500 + ["rare"] * (MIN_ROWS - 1), dtype=object)
    label = random.integers(0, 2, len(site))
    score = np.where(site == "bad", 1 - label, label) * 0.6 + 0.2
    found = {item["name"]: item["metrics"]["auc"] for item in measure_slices({"site": site}, label, score)}
    assert found == {"site=good": 1.0, "site=bad": 0.0}


def test_shuffling_moves_one_column_and_nothing_else() -> None:
    records = [{"id": row, "a": row, "b": -row} for row in range(50)]
    first, second = shuffled_blocks(records, ["a", "b"], seed=0)
    assert sorted(record["a"] for record in first) == list(range(50))
    assert [record["a"] for record in first] != list(range(50))
    assert [record["b"] for record in first] == [record["b"] for record in records]
    assert [record["a"] for record in second] == list(range(50))


def test_a_feature_that_decides_matters_most() -> None:
    label = np.array([0, 1] * 100)
    score = np.where(label, 0.9, 0.1)
    shuffled = np.vstack([np.random.default_rng(0).permutation(score), score])
    found = importance(["decides", "idle"], label, score, shuffled)
    assert list(found) == ["decides", "idle"]
    assert found["idle"] == 0
    assert found["decides"] > 0.3


def test_the_sample_is_the_same_for_the_same_seed() -> None:
    assert (sample(10_000, 1) == sample(10_000, 1)).all()
    assert len(sample(10_000, 1)) == 1_000
    assert (sample(7, 1) == np.arange(7)).all()
