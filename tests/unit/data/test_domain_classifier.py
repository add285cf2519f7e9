"""Rows that differ only jointly are told apart; rows that do not differ are not."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.data.samples import DATA, trips
from trimtab.data import row_sample
from trimtab.data.batch import ColumnBatch
from trimtab.data.drift.domain_classifier import LEAST_ROWS, separation
from trimtab.data.profile import Profile, profile_table, profiled_columns
from trimtab.data.row_sample import RowSample, SampleTally

COLUMNS = ("x", "y", "kind")


def sample(seed: int, rows: int = 4_000, *, correlation: float = 0.0, moved: float = 0.0) -> RowSample:
    random = np.random.default_rng(seed)
    x = random.normal(moved, 1, rows)
    y = correlation * x + np.sqrt(1 - correlation**2) * random.normal(0, 1, rows)
    table = pa.table(
        {
            "id": np.arange(rows) + 1_000_000 * seed,
            "x": pa.array(x, mask=random.random(rows) < 0.1),
            "y": y,
            "kind": random.choice(["a", "b", "c"], rows),
        }
    )
    return drawn(table)


def drawn(table: pa.Table) -> RowSample:
    tally = SampleTally(COLUMNS)
    for batch in table.to_batches():
        columns = {name: ColumnBatch(batch.column(name)) for name in batch.schema.names}
        tally.add(columns["id"], columns)
    return tally.sample


def test_rows_of_one_distribution_are_not_told_apart() -> None:
    found = [separation(sample(2 * seed + 1), sample(2 * seed + 2), COLUMNS) for seed in range(12)]
    assert not any(result is None or result.moved() for result in found)
    assert np.mean([result.auc for result in found if result]) == pytest.approx(0.5, abs=0.01)


def test_a_correlation_that_no_single_column_shows_is_found() -> None:
    found = separation(sample(1), sample(2, correlation=0.8), COLUMNS)
    assert found is not None
    assert found.moved()
    assert found.p_value < 1e-6


def test_a_column_that_moved_is_found() -> None:
    found = separation(sample(1), sample(2, moved=1.0), COLUMNS)
    assert found is not None
    assert found.auc > 0.7
    assert next(iter(found.columns)) == "x"
    assert found.columns["x"] > 0.8
    assert sum(found.columns.values()) == pytest.approx(1)


def test_the_interval_of_the_auc_holds_it_and_a_half_where_nothing_moved() -> None:
    held = 0
    for seed in range(20):
        found = separation(sample(2 * seed + 1), sample(2 * seed + 2), COLUMNS)
        assert found is not None
        assert found.low < found.auc < found.high
        held += found.low <= 0.5 <= found.high
    assert held >= 17


def test_too_few_rows_and_constant_or_missing_columns_tell_nothing() -> None:
    assert separation(sample(1, rows=LEAST_ROWS - 1), sample(2), COLUMNS) is None
    assert separation(sample(1), sample(2), ("absent",)) is None
    nothing = RowSample(np.arange(200, dtype=np.uint64), {"x": [None] * 200, "y": [7.0] * 200})
    found = separation(nothing, nothing, ("x", "y"))
    assert found is not None
    assert found.auc == 0.5


@given(cuts=st.lists(st.integers(0, 300), max_size=5), rows=st.sampled_from([3, 40, 1_000]), seed=st.integers(0, 50))
@settings(max_examples=40, deadline=None)
def test_the_sample_does_not_depend_on_order_or_sharding(cuts: list[int], rows: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    ids = [None if number % 17 == 0 else f"id {number}" for number in range(300)]
    table = pa.table({"id": ids, "x": random.normal(size=300), "y": pa.nulls(300, pa.float64()), "kind": ["k"] * 300})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_sample, "ROWS", rows)
        whole, merged = drawn(table), RowSample()
        places = sorted({0, 300, *cuts})
        for start, end in reversed(list(itertools.pairwise(places))):
            merged = merged.merge(drawn(table.slice(start, end - start).take(random.permutation(end - start))))
    assert merged.hashes.tolist() == whole.hashes.tolist()
    assert merged.columns == whole.columns
    assert len(whole) == min(rows, sum(name is not None for name in ids))


def test_the_sample_is_stored_with_the_profile() -> None:
    profile = profile_table(trips(2_000), profiled_columns(DATA), "trip")
    again = Profile.loads(profile.dumps())
    assert len(again.sample) == 1_000
    assert again.sample.columns == profile.sample.columns
    assert set(again.sample.columns) == {"started", "miles", "stops", "line", "express", "late"}
