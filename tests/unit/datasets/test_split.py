"""The cut by time, and the check that nothing crossed it."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.datasets.leakage import check_no_leakage, shared_ids
from trimtab.datasets.split import describe, split_by_time
from trimtab.errors import DataError

START = datetime(2026, 1, 1, tzinfo=UTC)


def rows(hours: list[int]) -> pa.Table:
    times = [START + timedelta(hours=hour) for hour in sorted(hours)]
    ids = pa.array(range(len(times)), pa.int64())
    return pa.table({"id": ids, "at": pa.array(times, pa.timestamp("us", "UTC")), "failed": ids})


@given(st.lists(st.integers(0, 30), min_size=1, max_size=80), st.floats(0.05, 0.95))
def test_every_hold_out_row_is_later_than_every_training_row(hours: list[int], share: float) -> None:
    split = split_by_time(rows(hours), "at", share)
    assert split.train.num_rows + split.holdout.num_rows == len(hours)
    assert split.holdout.num_rows >= 1
    if split.train.num_rows:
        assert split.train.column("at")[-1].as_py() < split.boundary
    assert split.holdout.column("at")[0].as_py() == split.boundary


def test_the_hold_out_has_the_asked_share() -> None:
    split = split_by_time(rows(list(range(100))), "at", 0.25)
    assert (split.train.num_rows, split.holdout.num_rows) == (75, 25)


def test_rows_of_one_instant_are_not_torn_apart() -> None:
    split = split_by_time(rows([0, 1, 2, 3, 3, 3, 3, 3]), "at", 0.25)
    assert (split.train.num_rows, split.holdout.num_rows) == (3, 5)


def test_without_event_time_the_last_rows_are_held_out() -> None:
    split = split_by_time(rows(list(range(10))), None, 0.3)
    assert split.holdout.column("id").to_pylist() == [7, 8, 9]
    assert split.boundary is None


def test_a_side_is_described_by_rows_positives_and_period() -> None:
    table = rows([0, 5]).set_column(2, "failed", pa.array([1, 0]))
    period = {"start": "2026-01-01T00:00:00+00:00", "end": "2026-01-01T05:00:00+00:00"}
    assert describe(table, "failed", "at") == {"rows": 2, "positives": 1, "period": period}


def test_a_row_on_both_sides_is_found() -> None:
    train, holdout = rows(list(range(10))), rows(list(range(10))).slice(8)
    with pytest.raises(DataError, match=r"2 rows are in training and in hold-out \(id 8, 9\)"):
        check_no_leakage(train, holdout, "id")


def test_disjoint_sides_pass() -> None:
    table = rows(list(range(10)))
    check_no_leakage(table.slice(0, 5), table.slice(5), "id")
    assert len(shared_ids(pa.array(["a", "b"]), pa.array(["c"]))) == 0
