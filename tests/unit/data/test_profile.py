"""A profile is a value: any sharding of the rows merges to the profile of the whole."""

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.samples import DATA, trips
from trimtab.data import levels, sketch
from trimtab.data.profile import (
    CategoryProfile,
    NumberProfile,
    Profile,
    profile_batches,
    profile_table,
    profiled_columns,
)
from trimtab.errors import DataError

NUMBERS = st.lists(st.one_of(st.none(), st.floats(width=64)), min_size=1, max_size=200)


def _shards(cuts: list[int], values: list[float | None]) -> list[pa.Array]:
    places = sorted({0, len(values), *(cut % len(values) for cut in cuts)})
    return [pa.array(values[start:end], pa.float64()) for start, end in pairwise(places)]


@given(values=NUMBERS, cuts=st.lists(st.integers(0, 10_000), max_size=6), capacity=st.sampled_from([4, 16, 8192]))
@settings(max_examples=120, deadline=None)
def test_merging_any_sharding_of_numbers_gives_the_profile_of_the_whole(
    values: list[float | None], cuts: list[int], capacity: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketch, "CAPACITY", capacity)
        whole = NumberProfile.of(pa.array(values, pa.float64()))
        merged = NumberProfile()
        for shard in reversed(_shards(cuts, values)):
            merged = merged.merge(NumberProfile.of(shard))
    assert (merged.rows, merged.missing, merged.infinite) == (whole.rows, whole.missing, whole.infinite)
    assert merged.sketch.shift == whole.sketch.shift
    np.testing.assert_array_equal(merged.sketch.keys, whole.sketch.keys)
    np.testing.assert_array_equal(merged.sketch.counts, whole.sketch.counts)
    assert merged.moments.count == whole.moments.count
    assert (merged.moments.minimum, merged.moments.maximum) == (whole.moments.minimum, whole.moments.maximum)
    span = max(abs(whole.moments.minimum), abs(whole.moments.maximum), 1.0) if whole.moments.count else 1.0
    assert merged.moments.mean == pytest.approx(whole.moments.mean, rel=1e-9, abs=1e-9 * span)


@given(
    texts=st.lists(st.one_of(st.none(), st.text(alphabet="abcdef", max_size=3)), min_size=1, max_size=120),
    cut=st.integers(0, 10_000),
    capacity=st.sampled_from([4, 20_000]),
)
@settings(max_examples=80, deadline=None)
def test_merging_any_sharding_of_levels_gives_the_counts_of_the_whole(
    texts: list[str | None], cut: int, capacity: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "CAPACITY", capacity)
        at = cut % len(texts)
        left, right = (CategoryProfile.of(pa.array(part, pa.string())) for part in (texts[:at], texts[at:]))
        assert right.merge(left) == CategoryProfile.of(pa.array(texts, pa.string()))


def test_quantiles_of_an_exact_sketch_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=999).round(2)
    shares = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        NumberProfile.of(pa.array(values)).sketch.quantiles(shares), np.quantile(values, shares), rtol=0, atol=1e-15
    )


def test_quantiles_of_a_coarse_sketch_stay_within_two_thousandths_of_the_rank() -> None:
    values = np.random.default_rng(2).lognormal(3, 1, 200_000)
    found = NumberProfile.of(pa.array(values))
    assert not found.sketch.exact
    shares = np.linspace(0.05, 0.95, 19)
    ranks = np.searchsorted(np.sort(values), found.sketch.quantiles(shares)) / len(values)
    np.testing.assert_allclose(ranks, shares, atol=2e-3)


def test_nan_is_missing_and_infinity_is_counted_apart() -> None:
    found = NumberProfile.of(pa.array([1.0, None, float("nan"), float("inf"), -1e200, 3.0]))
    assert (found.rows, found.missing, found.infinite, found.moments.count) == (6, 2, 2, 2)
    assert (found.moments.minimum, found.moments.maximum, found.moments.mean) == (1.0, 3.0, 2.0)


def test_minus_zero_and_zero_are_one_number() -> None:
    assert NumberProfile.of(pa.array([0.0, -0.0])).sketch.keys.tolist() == [0]


@pytest.mark.parametrize("values", [[], [None, None], [7.0, 7.0]])
def test_an_empty_or_constant_column_has_a_profile(values: list[float | None]) -> None:
    found = NumberProfile.of(pa.array(values, pa.float64()))
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["rows"] == len(values)
    assert found.moments.standard_deviation == 0.0


def test_the_number_of_levels_above_capacity_is_estimated() -> None:
    found = CategoryProfile.of(pa.array([f"level {number}" for number in range(60_000)]))
    assert not found.levels.exact
    assert found.levels.distinct == pytest.approx(60_000, rel=0.03)
    assert sum(found.levels.tally([])) == 60_000


def test_a_long_level_is_cut_but_stays_apart_from_its_like() -> None:
    found = CategoryProfile.of(pa.array(["x" * 5_000 + "a", "x" * 5_000 + "b"]))
    assert found.levels.distinct == 2
    assert max(map(len, found.levels.counts)) < 150


def test_a_stored_profile_reads_back_as_it_was() -> None:
    table = trips(500)
    found = profile_batches(table.to_batches(max_chunksize=77), profiled_columns(DATA))
    again = Profile.loads(found.dumps())
    assert again.to_json() == found.to_json()
    assert set(again.columns) == {"started", "miles", "stops", "line", "express", "late"}


def test_a_profile_of_another_version_is_refused() -> None:
    with pytest.raises(DataError, match="profile again"):
        Profile.loads(b'{"version": 99, "rows": 0, "columns": {}}')


def test_columns_profiled_as_different_kinds_do_not_merge() -> None:
    numbers = profile_table(pa.table({"x": [1.0]}), {"x": DATA.columns["miles"]})
    levels_ = profile_table(pa.table({"x": ["a"]}), {"x": DATA.columns["line"]})
    with pytest.raises(DataError, match="'x' is a number in one profile and a category"):
        numbers.merge(levels_)
