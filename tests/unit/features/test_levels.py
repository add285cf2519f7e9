"""Transformations of levels, against scikit-learn where it has the same."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import KFold
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from tests.unit.features.declared import learn, texts, training
from trimtab.features.text import stable_hash

RANDOM = np.random.default_rng(11)
CITIES = RANDOM.choice(np.array(["aa", "bb", "cc", "dd", "ee"], dtype=object), 400, p=[0.5, 0.3, 0.15, 0.04, 0.01])
NEW = texts("aa", "zz", None, "ee")
LABEL = (RANDOM.random(400) < np.where(CITIES == "aa", 0.7, 0.2)).astype(int)
level_lists = st.lists(st.sampled_from(["a", "b", "c", "others", "missing", None]), min_size=1, max_size=40)


def test_frequent_levels_have_columns_and_rare_and_unseen_ones_share_one() -> None:
    fitted, _ = learn({"c": CITIES}, {"do": "one_hot", "min_share": 0.02})
    made = fitted.transform({"c": NEW})
    assert list(made.columns) == ["c=aa", "c=bb", "c=cc", "c=dd", "c=others", "c=missing"]
    assert made.to_numpy().tolist() == [[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 1, 0]]


def test_one_hot_is_scikit_learn_s() -> None:
    reference = OneHotEncoder(min_frequency=30, handle_unknown="infrequent_if_exist", sparse_output=False)
    expected = reference.fit_transform(CITIES.reshape(-1, 1))
    fitted, made = learn({"c": CITIES}, {"do": "one_hot", "min_count": 30, "missing": "zeros"})
    np.testing.assert_array_equal(made.to_numpy(), expected)
    unseen = reference.transform(np.array([["zz"]], dtype=object))
    np.testing.assert_array_equal(fitted.transform({"c": texts("zz")}).to_numpy(), unseen)


def test_unseen_and_missing_levels_may_have_only_zeros() -> None:
    fitted, _ = learn({"c": CITIES}, {"do": "one_hot", "others": "zeros", "missing": "zeros"})
    assert fitted.transform({"c": NEW}).to_numpy().sum(axis=1).tolist() == [1, 0, 0, 1]


def test_numbers_and_booleans_are_levels_too() -> None:
    fitted, _ = learn({"n": np.array([3, 1, 3]), "b": np.array([True, False, True])}, {"do": "one_hot"})
    made = fitted.transform({"n": np.array([3.0, math.nan]), "b": np.array([True, False])})
    assert [name for name in made if made[name].iloc[0]] == ["n=3", "b=True"]
    assert [name for name in made if made[name].iloc[1]] == ["n=missing", "b=False"]


@given(level_lists, level_lists)
def test_each_row_has_exactly_one_one(learned: list[str | None], new: list[str | None]) -> None:
    fitted, made = learn({"c": texts(*learned)}, {"do": "one_hot", "min_count": 2})
    for table in (made, fitted.transform({"c": texts(*new)})):
        assert table.to_numpy().sum(axis=1).tolist() == [1.0] * len(table)


def test_names_hold_no_sign_that_xgboost_refuses() -> None:
    _, made = learn({"c": texts("[0, 1)", "< 3", "50%")}, "one_hot")
    assert not [name for name in made.columns if set(name) & set("[]<")]
    assert len(set(made.columns)) == 5


def test_ordinal_codes_are_scikit_learn_s() -> None:
    reference = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    held = np.append(CITIES, [None])
    reference.fit(np.where(held == None, np.nan, held).reshape(-1, 1))  # noqa: E711
    fitted, _ = learn({"c": held}, {"do": "ordinal", "missing": -2})
    np.testing.assert_array_equal(
        fitted.transform({"c": NEW}).to_numpy(),
        reference.transform(np.where(NEW == None, np.nan, NEW).reshape(-1, 1)),  # noqa: E711
    )


@pytest.mark.parametrize("smoothing", [0.0, 5.0, 50.0])
def test_target_encoding_of_new_rows_is_scikit_learn_s(smoothing: float) -> None:
    reference = TargetEncoder(smooth=smoothing, target_type="continuous").fit(CITIES.reshape(-1, 1), LABEL)
    fitted, _ = learn({"c": CITIES}, {"do": "target_encode", "smoothing": smoothing}, label=LABEL)
    new = texts("aa", "zz", "ee")
    np.testing.assert_allclose(fitted.transform({"c": new})["c"], reference.transform(new.reshape(-1, 1))[:, 0])


def test_target_encoding_of_training_rows_is_scikit_learn_s_cross_fitting() -> None:
    """Without a shuffle both cut the rows into equal stretches; ours are stretches of time."""
    reference = TargetEncoder(smooth=10.0, target_type="continuous", cv=KFold(5))
    expected = reference.fit_transform(CITIES.reshape(-1, 1), LABEL.astype(float))
    _, made = learn({"c": CITIES}, {"do": "target_encode", "smoothing": 10}, label=LABEL)
    np.testing.assert_allclose(made.to_numpy(), expected, rtol=1e-12)


def test_a_row_s_own_label_has_no_part_in_its_value() -> None:
    """A level that only one row has would tell its label."""
    levels = texts(*(f"row{row}" for row in range(400)))
    fitted, made = learn({"c": levels}, {"do": "target_encode", "smoothing": 0}, label=LABEL)
    assert abs(np.corrcoef(made["c"], LABEL)[0, 1]) < 0.2
    assert np.corrcoef(fitted.transform({"c": levels})["c"], LABEL)[0, 1] > 0.999
    for row in (0, 200, 399):
        changed = LABEL.copy()
        changed[row] = 1 - changed[row]
        _, other = learn({"c": CITIES}, {"do": "target_encode"}, label=changed)
        _, before = learn({"c": CITIES}, {"do": "target_encode"}, label=LABEL)
        assert other["c"].iloc[row] == before["c"].iloc[row]


def test_folds_of_time_are_stretches_and_folds_by_lot_are_seeded() -> None:
    times = np.array("2026-01-01", dtype="datetime64[us]") + np.random.default_rng(1).permutation(100)
    folds = training(100, times=times).folds(5, "time")
    assert np.diff(folds[np.argsort(times)]).min() == 0
    drawn = [training(100, seed=seed).folds(5, "random") for seed in (3, 3, 4)]
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    assert Counter(drawn[0].tolist()) == dict.fromkeys(range(5), 20)


def test_several_classes_have_a_column_each_that_sum_to_one() -> None:
    classes = np.array(["x", "y", "z"], dtype=object)[RANDOM.integers(0, 3, 400)]
    fitted, made = learn({"c": CITIES}, "target_encode", label=classes, problem="multiclass")
    assert list(made.columns) == ["c~x", "c~y", "c~z"]
    np.testing.assert_allclose(fitted.transform({"c": NEW}).sum(axis=1), 1.0)


@given(level_lists, st.floats(0, 100))
def test_encoded_values_stay_within_the_labels(levels: list[str | None], smoothing: float) -> None:
    _, made = learn({"c": texts(*levels)}, {"do": "target_encode", "smoothing": smoothing, "folds": 2})
    assert made["c"].between(-1e-12, 1 + 1e-12).all()


def test_hashes_are_the_same_for_ever() -> None:
    """Models that were stored with these must go on finding their columns."""
    assert [stable_hash(token) for token in ("late", "Zürich")] == [2003595669, 2323283902]


def test_words_fall_evenly_into_columns_and_signs() -> None:
    codes = [stable_hash(f"word{number}") for number in range(20_000)]
    counts = Counter((code >> 1) % 64 for code in codes)
    expected = 20_000 / 64
    chi_square = sum((counts[place] - expected) ** 2 / expected for place in range(64))
    assert chi_square < 63 + 5 * math.sqrt(2 * 63)
    assert abs(sum(code & 1 for code in codes) - 10_000) < 5 * math.sqrt(5_000)


def test_texts_are_hashed_by_word_whatever_the_case_and_the_way_of_writing() -> None:
    fitted, _ = learn({"t": texts("a")}, {"do": "hash", "columns": 32, "norm": "none"})
    made = fitted.transform({"t": texts("Late late!", "late LATE", "cafe\u0301", "caf\u00e9", None, "")}).to_numpy()
    assert (made[0] == made[1]).all()
    assert abs(made[0]).sum() == 2
    assert (made[2] == made[3]).all()
    assert not made[4:].any()


def test_runs_of_characters_make_similar_words_similar() -> None:
    fitted, _ = learn({"t": texts("a")}, {"do": "hash", "by": "character", "runs": [2, 3], "columns": 1024})
    one, other, far = fitted.transform({"t": texts("departure", "departures", "quixotic")}).to_numpy()
    assert one @ one == pytest.approx(1.0)
    assert one @ other > 0.8
    assert abs(one @ far) < 0.2


@given(st.lists(st.text(max_size=30) | st.none(), min_size=1, max_size=10))
def test_a_text_is_hashed_alone_as_among_others(values: list[str | None]) -> None:
    fitted, made = learn({"t": texts(*values)}, {"do": "hash", "columns": 16})
    alone = [fitted.transform({"t": texts(value)}) for value in values]
    pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), made)
