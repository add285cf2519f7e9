"""Features as of a time, against a plain search, and what must not be known yet."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.feature_store.as_of import as_of
from trimtab.feature_store.records import texts_of
from trimtab.spec import parse_spec

SPEC = parse_spec("""\
name: pumps
data:
  id: id
  event_time: at
  label: y
  columns:
    id: {type: string}
    at: {type: timestamp}
    load: {type: number, nullable: true}
    y: {type: integer}
training: {entry_point: train.py}
features: {store: true}
""")
START = datetime(2026, 1, 1, tzinfo=UTC)
TIME = pa.timestamp("us", "UTC")


def hour(number: float) -> datetime:
    return START + timedelta(hours=number)


def records(*rows: tuple[Any, ...]) -> pa.Table:
    """Rows of id, hour, load, accepted_seq, and whether deleted."""
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "id": pa.array(columns[0]),
            "at": pa.array([hour(each) for each in columns[1]], TIME),
            "load": pa.array(columns[2], pa.float64()),
            "accepted_seq": pa.array(columns[3], pa.int64()),
            "is_deleted": pa.array(columns[4] if len(columns) > 4 else [False] * len(rows)),
            "api_invocation_time": pa.array([hour(1000 + each) for each in columns[3]], TIME),
        }
    )


def loads(held: pa.Table, *asked: tuple[str, float], **more: Any) -> list[float | None]:
    ids, hours = zip(*asked, strict=True)
    times = pa.array([hour(each) for each in hours], TIME)
    found: list[float | None] = as_of(held, pa.array(ids), times, SPEC, **more).column("load").to_pylist()
    return found


def test_the_newest_record_that_is_not_later_counts_and_no_other_ids() -> None:
    held = records(("a", 1, 1.0, 1), ("a", 3, 3.0, 1), ("b", 2, 20.0, 1))
    asked = [("a", 0.5), ("a", 1), ("a", 2.9), ("a", 3), ("a", 99), ("b", 1.9), ("b", 2), ("c", 99)]
    assert loads(held, *asked) == [None, 1.0, 1.0, 3.0, 3.0, None, 20.0, None]


def test_of_one_id_and_time_the_drop_accepted_last_counts_in_whatever_order_it_was_written() -> None:
    assert loads(records(("a", 1, 2.0, 9), ("a", 1, 1.0, 2)), ("a", 1)) == [2.0]
    assert loads(records(("a", 1, 1.0, 2), ("a", 1, 2.0, 9), ("a", 1, 1.0, 2)), ("a", 1)) == [2.0]
    held = records(("a", 1, 1.0, 2), ("a", 1, 2.0, 9))
    again = pa.array([hour(2000), hour(1000)], TIME)
    assert loads(held.set_column(5, "api_invocation_time", again), ("a", 1)) == [2.0]


def test_what_was_written_later_is_unknown_when_asked_for_as_it_was_then() -> None:
    held = records(("a", 1, 1.0, 1), ("a", 1, 5.0, 50))
    assert loads(held, ("a", 2), written_until=hour(1049)) == [1.0]
    assert loads(held, ("a", 2), written_until=hour(1050)) == [5.0]


def test_a_deleted_record_is_none_until_a_later_one_comes() -> None:
    held = records(("a", 1, 1.0, 1, False), ("a", 2, 2.0, 2, True), ("a", 4, 4.0, 3, False))
    assert loads(held, ("a", 1), ("a", 3), ("a", 4)) == [1.0, None, 4.0]


def test_a_record_with_a_missing_value_hides_the_value_before_it() -> None:
    assert loads(records(("a", 1, 1.0, 1), ("a", 2, None, 1)), ("a", 3)) == [None]


def test_what_is_no_number_is_not_stored() -> None:
    assert texts_of({"id": "a", "at": START, "load": float("nan")}, SPEC, 3) == {
        "id": "a", "at": "2026-01-01T00:00:00.000Z", "accepted_seq": "3",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_a_plain_search_finds(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = [(str(random.integers(6)), int(random.integers(8)), float(place), place) for place in range(60)]
    asked = [(str(random.integers(8)), float(random.integers(-1, 9))) for _ in range(80)]

    def searched(who: str, when: float) -> float | None:
        known = [(at, seq, load) for name, at, load, seq in rows if name == who and at <= when]
        return max(known)[2] if known else None

    assert loads(records(*rows), *asked) == [searched(*each) for each in asked]
