"""The gate's figures of real data against exact answers by pandas, numpy and scipy, and against its own in pieces."""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp, wasserstein_distance

from tests.unit.data.real_data import DATA_SETS
from tests.unit.data.samples import parquet, rounded
from trimtab.data.drift import ColumnDrift, compare
from trimtab.data.profile import CategoryProfile, NumberProfile, Profile, profile_table, profiled_columns
from trimtab.data.report import DropReport
from trimtab.data.validate import validate

SHARES = np.linspace(0.01, 0.99, 99)
NAMES = list(DATA_SETS)


@cache
def judged(name: str) -> tuple[Profile, DropReport]:
    """The reference's profile and the report on the later window, both through the gate."""
    windows = DATA_SETS[name]()
    learned = validate(parquet(arrow(windows.reference)), "parquet", windows.spec).profile
    assert learned is not None
    return learned, validate(parquet(arrow(windows.current)), "parquet", windows.spec, learned)


def arrow(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def shared(name: str) -> list[tuple[pd.Series, pd.Series, ColumnDrift]]:
    """Both windows of every feature beside the drift that the gate found."""
    windows, found = DATA_SETS[name](), {drift.column: drift for drift in judged(name)[1].drift}
    assert set(found) == set(windows.spec.features)
    return [(windows.reference[column], windows.current[column], drift) for column, drift in found.items()]


@pytest.mark.parametrize("name", NAMES)
def test_counts_levels_and_integers_are_exact(name: str) -> None:
    profile, frame = judged(name)[0], DATA_SETS[name]().reference
    for column, found in profile.columns.items():
        values = frame[column]
        assert (found.rows, found.missing) == (len(values), int(values.isna().sum())), column
        if isinstance(found, CategoryProfile):
            assert dict(found.levels.counts) == values.value_counts().to_dict(), column
        elif isinstance(found, NumberProfile) and found.sketch.exact:
            counted = values.value_counts().sort_index()
            assert found.sketch.values.tolist() == counted.index.tolist(), column
            assert found.sketch.counts.tolist() == counted.tolist(), column
            assert found.edges.tolist() == np.quantile(values.dropna(), np.linspace(0, 1, 11)).tolist(), column


@pytest.mark.parametrize("name", NAMES)
def test_moments_quantiles_and_distinct_values_are_within_the_promised_errors(name: str) -> None:
    profile, frame = judged(name)[0], DATA_SETS[name]().reference
    for column, found in profile.columns.items():
        values = frame[column].dropna()
        if not isinstance(found, NumberProfile):
            continue
        assert (found.moments.minimum, found.moments.maximum) == (values.min(), values.max()), column
        assert found.moments.mean == pytest.approx(values.mean(), rel=1e-9, abs=1e-9), column
        assert found.moments.standard_deviation == pytest.approx(values.std(), rel=1e-6, abs=1e-9), column
        assert found.sketch.distinct == pytest.approx(values.nunique(), rel=0.03), column
        assert rank_error(found, values.to_numpy()) <= 0.002 + 1 / len(values), column


def rank_error(found: NumberProfile, values: np.ndarray) -> float:
    """How far the share of values at a quantile is from the share that was asked for; ties are no error."""
    ordered, quantiles = np.sort(values), found.sketch.quantiles(SHARES)
    below, upto = (np.searchsorted(ordered, quantiles, side) / len(ordered) for side in ("left", "right"))
    return float(np.maximum(below - SHARES, SHARES - upto).max())


@pytest.mark.parametrize("name", NAMES)
def test_drift_is_what_the_definitions_give_on_all_rows(name: str) -> None:
    for reference, current, drift in shared(name):
        bins = binned(reference, current)
        assert drift.psi == pytest.approx(psi(*bins), rel=0.05, abs=0.001), drift.column
        assert drift.jensen_shannon == pytest.approx(jensenshannon(*bins, base=2), abs=0.01), drift.column
        change = current.isna().mean() - reference.isna().mean()
        assert drift.missing_rate_change == pytest.approx(change, abs=1e-12), drift.column
        if drift.kind == "number":
            left, right = reference.dropna(), current.dropna()
            assert drift.ks == pytest.approx(ks_2samp(left, right, method="asymp").statistic, abs=1e-3), drift.column
            exact = wasserstein_distance(left, right) / spread(left)
            assert drift.wasserstein == pytest.approx(exact, rel=0.01, abs=0.01), drift.column
        else:
            new = ~current.dropna().isin(reference.dropna().unique())
            assert drift.new_level_share == pytest.approx(new.mean(), abs=1e-12), drift.column


@pytest.mark.parametrize("name", NAMES)
def test_drift_of_categories_and_counted_numbers_is_exact(name: str) -> None:
    profile = judged(name)[0]
    for reference, current, drift in shared(name):
        column = profile.columns[drift.column]
        if isinstance(column, CategoryProfile) or (isinstance(column, NumberProfile) and column.sketch.exact):
            assert drift.psi == pytest.approx(psi(*binned(reference, current)), abs=1e-12), drift.column


def binned(reference: pd.Series, current: pd.Series) -> list[np.ndarray]:
    """Shares of both in ten quantile bins, or thirty levels and the rest, and of what is missing."""
    if reference.dtype.kind in "if":
        cuts = np.unique(np.quantile(reference.dropna(), np.linspace(0, 1, 11)))
        cuts = cuts[1:-1] if len(cuts) > 2 else cuts[:1]
        places = [np.searchsorted(cuts, side.dropna(), "right") for side in (reference, current)]
        present = [np.bincount(place, minlength=len(cuts) + 1) for place in places]
    else:
        counts = reference.value_counts()
        top = sorted(counts.index, key=lambda level: (-counts[level], level))[:30]
        if len(top) == 30 and reference.isna().sum() > counts[top[-1]]:
            top = top[:-1]
        known = [side.value_counts().reindex(top, fill_value=0).to_numpy() for side in (reference, current)]
        sides = zip(known, (reference, current), strict=True)
        present = [np.append(counts, side.notna().sum() - counts.sum()) for counts, side in sides]
    whole = [np.append(counts, side.isna().sum()) for counts, side in zip(present, (reference, current), strict=True)]
    return [counts / counts.sum() for counts in whole]


def psi(reference: np.ndarray, current: np.ndarray) -> float:
    expected, actual = (np.maximum(shares, 1e-4) for shares in (reference, current))
    return float(((actual - expected) * np.log(actual / expected)).sum())


def spread(values: pd.Series) -> float:
    """The interquartile range, or what stands for it where it is zero."""
    low, first, third, high = np.quantile(values, [0.01, 0.25, 0.75, 0.99])
    return float(next((width for width in (third - first, high - low) if width > 0), 1.0))


@pytest.mark.parametrize("name", NAMES)
@given(cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4), turned=st.booleans())
@settings(max_examples=4, deadline=None)
def test_any_shards_in_any_order_merge_to_the_profile_and_the_drift_of_the_whole(
    name: str, cuts: list[float], turned: bool
) -> None:
    windows = DATA_SETS[name]()
    table, columns = arrow(windows.reference).slice(0, 9_000), profiled_columns(windows.spec)
    places = sorted({0, len(table), *(int(cut * len(table)) for cut in cuts)})
    shards = [profile_table(table.slice(start, end - start), columns, "row") for start, end in pairwise(places)]
    whole, merged = profile_table(table, columns, "row"), Profile()
    for shard in reversed(shards) if turned else shards:
        merged = merged.merge(shard)
    assert figures(merged) == figures(whole)
    current = judged(name)[1].profile
    assert current is not None
    left, right = ([drift.to_json() for drift in compare(side, current)] for side in (whole, merged))
    assert left == right


def figures(profile: Profile) -> Any:
    """The profile by column name, means and spreads to ten digits: any order of adding gives as many."""
    document = profile.to_json()
    return rounded({**document, "columns": dict(sorted(document["columns"].items()))})


def test_a_mix_of_persons_that_changed_is_told_from_years_that_did_not() -> None:
    moved = [drift.column for drift in judged("employment")[1].drift if drift.moved]
    assert sorted(moved) == ["RELP", "number"], "another share of persons in group quarters; row numbers go on"
