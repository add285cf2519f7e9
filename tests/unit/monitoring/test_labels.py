"""Truth by id: what several files say of millions of ids is what a dictionary would say."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.monitoring.labels import Keys, Said, look_up

ROWS = st.lists(st.tuples(st.none() | st.integers(-3, 6), st.none() | st.integers(0, 2)), max_size=30)
WORDS, WHOLE = pa.string(), pa.int64()


def file_of(rows: list[tuple[Any, Any]], id_type: pa.DataType = WHOLE, label_type: pa.DataType = WHOLE) -> Any:
    """A file's rows, in two parts."""
    ids = [None if id is None else str(id) if id_type == WORDS else id for id, _ in rows]
    table = pa.table({"id": pa.array(ids, id_type), "label": pa.array([label for _, label in rows], label_type)})
    return [table.slice(0, len(rows) // 2), table.slice(len(rows) // 2)]


def plainly(files: list[list[tuple[Any, Any]]], wanted: Any) -> tuple[Any, bool]:
    """The label of an id by files, newest first, and whether one speaks of it."""
    for rows in files:
        said = {label for id, label in rows if id == wanted and label is not None}
        if said and wanted is not None:
            return (said.pop(), True) if len(said) == 1 else (None, True)
    return None, False


@settings(max_examples=200, deadline=None)
@given(st.lists(ROWS, max_size=3), st.lists(st.none() | st.integers(-3, 6), max_size=12), st.booleans())
def test_labels_are_those_of_a_dictionary(files: list[Any], wanted: list[int | None], texts: bool) -> None:
    id_type = WORDS if texts else pa.int64()
    said = [Said.of(file_of(rows, id_type), pa.int64()) for rows in files]
    ids = pa.array([None if id is None else str(id) if texts else id for id in wanted], id_type)
    labels, spoken = look_up(ids, said, pa.int64())
    expected = [plainly(files, id) for id in wanted]
    assert labels.to_pylist() == [label for label, _ in expected]
    assert spoken.tolist() == [known for _, known in expected]


@settings(max_examples=100, deadline=None)
@given(ROWS, st.lists(st.integers(-3, 6), max_size=12))
def test_a_file_is_accounted_for(rows: list[Any], wanted: list[int]) -> None:
    said = Said.of(file_of(rows), pa.int64())
    look_up(pa.array(wanted, pa.int64()), [said], pa.int64())
    pairs = [(id, label) for id, label in rows if id is not None and label is not None]
    ids = {id for id, _ in pairs}
    assert said.account() == {
        "ids": len(ids),
        "unknown": len(ids - set(wanted)),
        "repeated": len(pairs) - len(set(pairs)),
        "contradictory": sum(len({label for other, label in pairs if other == id}) > 1 for id in ids),
    }


@pytest.mark.parametrize(
    ("label_type", "labels"),
    [
        (pa.float64(), [5512.25, -0.5]),
        (pa.string(), ["heavy", "light"]),
        (pa.int64(), [70_000, 1]),
        (pa.timestamp("us", "UTC"), [datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]),
    ],
)
def test_labels_of_every_type_come_back_as_they_were(label_type: pa.DataType, labels: list[Any]) -> None:
    said = Said.of(file_of([(2, labels[0]), (1, labels[1])], label_type=label_type), label_type)
    assert look_up(pa.array([1, 2, 3]), [said], label_type)[0].to_pylist() == [labels[1], labels[0], None]


def test_two_ids_whose_first_words_are_the_same_are_two() -> None:
    alike = np.array([7, 7, 7, 9], np.uint64)
    keys = Keys(alike, np.array([3, 1, 2, 1], np.uint64), np.ones(4, np.bool_))
    said = Said._sorted(keys, pa.array([30, 10, 20, 90]))
    wanted = Keys(alike[[0, 0, 0, 3]], np.array([1, 3, 8, 1], np.uint64), np.ones(4, np.bool_))
    assert [said.labels[int(place)].as_py() if place >= 0 else None for place in said.places(wanted)] == [
        10,
        30,
        None,
        90,
    ]
