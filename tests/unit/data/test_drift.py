"""Drift statistics against their definitions and against scipy."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from trimtab.data.drift import compare
from trimtab.data.drift.bins import category_bins, number_bins
from trimtab.data.drift.jensen_shannon import jensen_shannon
from trimtab.data.drift.kolmogorov_smirnov import kolmogorov_smirnov
from trimtab.data.drift.missing_rate import missing_rate_change
from trimtab.data.drift.psi import psi
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile
from trimtab.data.sketch import ValueSketch

COUNTS = st.lists(st.integers(0, 1_000), min_size=2, max_size=12)


@given(counts=COUNTS, others=COUNTS)
@settings(deadline=None)
def test_psi_is_never_negative_and_zero_on_itself(counts: list[int], others: list[int]) -> None:
    size = min(len(counts), len(others))
    left, right = [*counts[:size], 1], [*others[:size], 1]
    assert psi(left, right) >= 0
    assert psi(left, left) == 0
    assert psi(left, right) == pytest.approx(psi(right, left))


@given(values=st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=80))
@settings(deadline=None)
def test_a_column_has_not_drifted_from_itself(values: list[float | None]) -> None:
    column = NumberProfile.of(pa.array(values, pa.float64()))
    (found,) = compare(Profile(len(values), {"x": column}), Profile(len(values), {"x": column}))
    assert found.psi == 0
    assert found.jensen_shannon == 0
    assert found.missing_rate_change == 0
    assert found.ks in (0, None)


def test_psi_matches_a_sum_done_by_hand() -> None:
    expected = (0.5 - 0.25) * math.log(0.5 / 0.25) + (0.5 - 0.75) * math.log(0.5 / 0.75)
    assert psi([25, 75], [50, 50]) == pytest.approx(expected)


def test_an_empty_bin_counts_as_one_in_ten_thousand() -> None:
    assert psi([100, 0], [0, 100]) == pytest.approx(2 * (1 - 1e-4) * math.log(1e4))


@pytest.mark.parametrize("statistic", [psi, jensen_shannon])
def test_no_rows_is_not_measured(statistic: type) -> None:
    assert math.isnan(statistic([0, 0], [1, 2]))


@given(counts=COUNTS, others=COUNTS)
@settings(deadline=None)
def test_jensen_shannon_agrees_with_scipy(counts: list[int], others: list[int]) -> None:
    size = min(len(counts), len(others))
    left, right = [*counts[:size], 1], [*others[:size], 2]
    assert jensen_shannon(left, right) == pytest.approx(jensenshannon(left, right, base=2), abs=1e-6)


@given(
    left=st.lists(st.floats(-50, 50), min_size=2, max_size=60),
    right=st.lists(st.floats(-50, 50), min_size=2, max_size=60),
)
@settings(deadline=None)
def test_kolmogorov_smirnov_agrees_with_scipy_while_exact(left: list[float], right: list[float]) -> None:
    found = kolmogorov_smirnov(ValueSketch.of(np.array(left)), ValueSketch.of(np.array(right)))
    assert found == pytest.approx(ks_2samp(left, right, method="asymp").statistic)


def test_kolmogorov_smirnov_is_within_a_thousandth_on_a_coarse_grid() -> None:
    random = np.random.default_rng(0)
    left, right = random.lognormal(3, 1, 100_000), random.lognormal(3.1, 1, 80_000)
    found = kolmogorov_smirnov(ValueSketch.of(left), ValueSketch.of(right))
    assert found == pytest.approx(ks_2samp(left, right, method="asymp").statistic, abs=1e-3)


def test_missing_rate_change_is_in_shares_of_rows() -> None:
    assert missing_rate_change(1, 100, 5, 50) == pytest.approx(0.09)
    assert math.isnan(missing_rate_change(0, 0, 1, 2))


def _psi_by_definition(reference: np.ndarray, current: np.ndarray) -> float:
    """Ten quantile bins of the reference, missing apart, shares floored: straight from the definition."""
    edges = np.unique(np.nanquantile(reference, np.linspace(0, 1, 11)))
    edges[0], edges[-1] = -np.inf, np.inf
    counts = [
        np.append(np.histogram(side[~np.isnan(side)], edges)[0], np.isnan(side).sum()) for side in (reference, current)
    ]
    p, q = (np.clip(count / count.sum(), 1e-4, None) for count in counts)
    return float(((q - p) * np.log(q / p)).sum())


def test_psi_of_numbers_is_that_of_the_definition() -> None:
    random = np.random.default_rng(3)
    reference, current = random.normal(50, 10, 5_000).round(1), random.normal(55, 12, 3_000).round(1)
    reference[::50], current[::10] = np.nan, np.nan
    left, right = (NumberProfile.of(pa.array(side)) for side in (reference, current))
    (found,) = compare(Profile(5_000, {"x": left}), Profile(3_000, {"x": right}))
    assert found.psi == pytest.approx(_psi_by_definition(reference, current), rel=1e-12)
    assert sum(found.bins.current) == 3_000


def test_a_constant_reference_has_a_bin_below_and_one_above() -> None:
    left, right = (NumberProfile.of(pa.array(side)) for side in ([5.0, 5.0], [4.0, 5.0, 6.0]))
    assert number_bins(left, right).reference == (0, 2, 0)
    assert number_bins(left, right).current == (1, 2, 0)


def test_levels_beyond_the_thirty_commonest_are_one_bin() -> None:
    left = CategoryProfile.of(pa.array([f"level {number:02d}" for number in range(40) for _ in range(50 - number)]))
    right = CategoryProfile.of(pa.array(["level 00", "new", None]))
    bins = category_bins(left, right)
    assert len(bins.labels) == 32
    assert bins.current[0] == 1
    assert bins.current[-2:] == (1, 1)
    assert sum(bins.reference) == left.rows


def test_the_column_that_moved_most_comes_first() -> None:
    same, moved = NumberProfile.of(pa.array([1.0, 2.0, 3.0])), NumberProfile.of(pa.array([9.0, 9.0]))
    found = compare(Profile(3, {"a": same, "b": same}), Profile(3, {"a": same, "b": moved}))
    assert [drift.column for drift in found] == ["b", "a"]
