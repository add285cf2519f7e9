"""What explains a candidate, against what is known exactly."""

from itertools import permutations

import numpy as np
import pytest

from trimtab.evaluation.explain import dependence, drift_weights
from trimtab.evaluation.explain.shapley import Record, Walks

FEATURES = ("a", "b", "c")


def rows(seed: int, count: int) -> list[Record]:
    values = np.random.default_rng(seed).normal(size=(count, len(FEATURES)))
    return [dict(zip(FEATURES, row.tolist(), strict=True)) for row in values]


def answers(walks: Walks, explained: list[Record], background: list[Record], model: object) -> np.ndarray:
    asked = [record for block in walks.requests(explained, background) for record in block]
    assert len(asked) == walks.steps
    return np.array([model(record) for record in asked])  # type: ignore[operator]


def test_a_linear_model_is_explained_exactly() -> None:
    weights = {"a": 2.0, "b": -1.0, "c": 0.0}
    explained, background = rows(1, 4), rows(2, 30)
    walks = Walks.plan(FEATURES, 4, 5, 30, seed=3)
    found, base = walks.contributions(
        answers(walks, explained, background, lambda r: sum(weights[name] * r[name] for name in FEATURES))
    )
    for row, record in enumerate(explained):
        starts = [background[start] for start in walks.starts[row]]
        exact = [weights[n] * (record[n] - np.mean([start[n] for start in starts])) for n in FEATURES]
        assert found[row] == pytest.approx(exact)
        assert found[row].sum() + base[row] == pytest.approx(sum(weights[n] * record[n] for n in FEATURES))


def test_features_that_work_in_pairs_share_what_they_do_as_shapley_says() -> None:
    """An antithetic pair of walks has every two features in both orders, so it is exact for products of two."""

    def model(record: Record) -> float:
        return float(record["a"] * record["b"] + record["b"] * record["c"] + record["a"])

    (explained,), (start,) = rows(5, 1), rows(6, 1)
    walks = Walks.plan(FEATURES, 1, 1, 1, seed=0)
    found, _ = walks.contributions(answers(walks, [explained], [start], model))
    exact = dict.fromkeys(FEATURES, 0.0)
    for order in permutations(FEATURES):
        step = dict(start)
        for name in order:
            before = model(step)
            step[name] = explained[name]
            exact[name] += (model(step) - before) / 6
    assert found[0] == pytest.approx(list(exact.values()))


def test_a_grid_keeps_the_kind_of_its_column() -> None:
    assert dependence.grid([3, 1, None, 2]) == [1, 2, 3]
    assert dependence.grid(["x", "y", "x", None]) == ["x", "y"]
    assert dependence.grid([True, False, True]) == [True, False]
    assert dependence.grid([None]) == []
    assert len(dependence.grid(list(range(1000)))) == dependence.GRID


def test_a_curve_is_the_mean_of_the_rows_with_their_band() -> None:
    scores = np.array([[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]).ravel()
    drawn = dependence.curve(scores, 2)
    assert drawn["mean"] == [1.0, 11.0]
    assert drawn["lo"] == pytest.approx([0.2, 10.2])
    assert drawn["hi"] == pytest.approx([1.8, 11.8])


def test_drift_counts_by_what_the_model_would_lose() -> None:
    assert drift_weights({"a": 0.3, "b": 0.1, "c": -0.2, "d": float("nan")}) == pytest.approx(
        {"a": 0.75, "b": 0.25, "c": 0.0, "d": 0.0}
    )
    assert drift_weights({"a": 0.0, "b": -1.0}) == {"a": 0.5, "b": 0.5}
