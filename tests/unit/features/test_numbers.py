"""Transformations of numbers, against scikit-learn where it has the same."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import KBinsDiscretizer, MinMaxScaler, RobustScaler, StandardScaler

from tests.unit.features.declared import learn, texts
from trimtab.features.step import FeatureError

RANDOM = np.random.default_rng(7)
MATRIX = RANDOM.normal(3, 20, size=(500, 3))
GAPS = np.where(RANDOM.random((500, 3)) < 0.1, np.nan, MATRIX)
columns_of_numbers = st.lists(
    st.floats(-1e9, 1e9) | st.just(math.nan), min_size=2, max_size=30
).filter(lambda values: not all(map(math.isnan, values)))  # fmt: skip


def columns(matrix: Any) -> dict[str, Any]:
    return {name: matrix[:, place].copy() for place, name in enumerate("abc")}


@pytest.mark.parametrize("by", ["mean", "median", "most_frequent"])
def test_imputing_is_scikit_learn_s(by: str) -> None:
    rounded = np.round(GAPS)
    expected = SimpleImputer(strategy=by, add_indicator=True).fit_transform(rounded)
    fitted, made = learn(columns(rounded), {"do": "impute", "by": by, "indicator": True})
    np.testing.assert_allclose(made.to_numpy(), expected, rtol=1e-14)
    assert list(made.columns) == ["a", "b", "c", "a_missing", "b_missing", "c_missing"]
    assert fitted.names == list(made.columns)


@pytest.mark.parametrize(
    ("by", "reference"), [("standard", StandardScaler()), ("robust", RobustScaler()), ("minmax", MinMaxScaler())]
)
def test_scaling_is_scikit_learn_s(by: str, reference: Any) -> None:
    _, made = learn(columns(GAPS), {"do": "scale", "by": by})
    np.testing.assert_allclose(made.to_numpy(), reference.fit_transform(GAPS), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("bins", [2, 5, 20])
def test_bins_of_equal_counts_are_scikit_learn_s(bins: int) -> None:
    reference = KBinsDiscretizer(bins, encode="ordinal", strategy="quantile", quantile_method="linear", subsample=None)
    _, made = learn(columns(MATRIX), {"do": "bin", "quantiles": bins})
    np.testing.assert_array_equal(made.to_numpy(), reference.fit_transform(MATRIX))


def test_bins_with_given_edges_count_a_value_at_an_edge_to_the_bin_above() -> None:
    _, made = learn({"a": np.array([-5.0, 0.0, 1.0, 2.0, 9.0, math.nan])}, {"do": "bin", "edges": [0, 2]})
    assert made["a"].tolist()[:5] == [0, 1, 1, 2, 2]
    assert math.isnan(made["a"].iloc[5])


def test_limits_are_given_or_are_quantiles_of_the_training_rows() -> None:
    _, made = learn({"a": np.array([-5.0, 0.5, 9.0, math.nan])}, {"do": "clip", "low": 0, "high": 2})
    assert made["a"].tolist()[:3] == [0, 0.5, 2]
    fitted, _ = learn({"a": np.arange(101.0)}, {"do": "clip", "quantiles": [0.1, 0.9]})
    assert fitted.transform({"a": np.array([-1e6, 50.0, 1e6])})["a"].tolist() == [10, 50, 90]


def test_logarithms_are_missing_outside_their_domain() -> None:
    values = np.array([-3.0, -1.0, 0.0, math.e, math.nan])
    logs = {by: learn({"a": values}, {"do": "log", "by": by})[1]["a"].to_numpy() for by in ("log", "log1p", "signed")}
    np.testing.assert_allclose(logs["log"], [math.nan, math.nan, math.nan, 1.0, math.nan])
    np.testing.assert_allclose(logs["log1p"], [math.nan, math.nan, 0.0, math.log1p(math.e), math.nan])
    np.testing.assert_allclose(
        logs["signed"], [-math.log1p(3), -math.log1p(1), 0.0, math.log1p(math.e), math.nan], rtol=1e-15
    )


def test_steps_follow_each_other_and_indicators_are_left_alone() -> None:
    values = np.array([1.0, math.nan, 3.0, 100.0])
    _, made = learn(
        {"a": values}, {"do": "impute", "by": "median", "indicator": True}, {"do": "clip", "high": 5}, "scale"
    )
    clipped = np.array([1.0, 3.0, 3.0, 5.0])
    np.testing.assert_allclose(made["a"], (clipped - clipped.mean()) / clipped.std())
    assert made["a_missing"].tolist() == [0, 1, 0, 0]


def test_a_column_without_any_value_is_named() -> None:
    with pytest.raises(FeatureError, match=r"features.rules\[0\]: 'b' has no value in any training row"):
        learn({"a": np.ones(3), "b": np.full(3, math.nan)}, {"do": "impute", "by": "mean"})


def test_a_constant_takes_the_place_of_what_is_missing() -> None:
    _, made = learn({"a": np.array([1.0, math.nan])}, {"do": "impute", "by": "constant", "value": -9})
    assert made["a"].tolist() == [1.0, -9.0]


def test_texts_are_imputed_by_the_most_frequent_or_a_constant() -> None:
    column = texts("x", None, "x", "y")
    _, made = learn({"a": column}, {"do": "impute", "by": "most_frequent", "indicator": True})
    assert made["a"].tolist() == ["x", "x", "x", "y"]
    assert made["a_missing"].tolist() == [0, 1, 0, 0]
    _, made = learn({"a": column}, {"do": "impute", "by": "constant", "value": "none"}, "one_hot")
    assert made.columns.tolist() == ["a=none", "a=x", "a=y", "a=others", "a=missing"]


@given(columns_of_numbers)
def test_after_imputing_nothing_is_missing_and_the_rest_is_as_it_was(values: list[float]) -> None:
    column = np.array(values)
    _, made = learn({"a": column}, {"do": "impute", "by": "median"})
    known = ~np.isnan(column)
    assert not made["a"].isna().any()
    np.testing.assert_array_equal(made["a"].to_numpy()[known], column[known])


@given(columns_of_numbers, st.sampled_from(["standard", "robust", "minmax"]))
def test_scaling_keeps_the_order(values: list[float], by: str) -> None:
    column = np.array(values)
    known = column[~np.isnan(column)]
    _, made = learn({"a": column}, {"do": "scale", "by": by})
    scaled = made["a"].to_numpy()[~np.isnan(column)]
    assert (np.diff(scaled[np.argsort(known, kind="stable")]) >= 0).all()


@given(columns_of_numbers, st.integers(2, 10))
def test_every_value_lies_in_a_bin(values: list[float], bins: int) -> None:
    _, made = learn({"a": np.array(values)}, {"do": "bin", "quantiles": bins})
    found = made["a"].dropna()
    assert len(found) == int((~np.isnan(values)).sum())
    assert found.isin(range(bins)).all()


def test_whole_numbers_and_booleans_become_numbers() -> None:
    _, made = learn({"a": np.array([1, 2]), "b": np.array([True, False])}, "pass")
    assert made.dtypes.astype(str).tolist() == ["float64", "float64"]
    assert made["b"].tolist() == [1.0, 0.0]
