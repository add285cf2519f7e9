"""Repeated values are found wherever they stand."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.data import batch, uniqueness
from trimtab.data.batch import ColumnBatch
from trimtab.data.hashing import Words
from trimtab.data.uniqueness import Repeated, UniqueValues

VALUES = {
    "integers": (st.integers(-5, 5), pa.int64()),
    "numbers": (st.sampled_from([0.5, 1.5, -2.0, 1e300]), pa.float64()),
    "texts": (st.text(alphabet="aé\x00", max_size=4), pa.string()),
    "booleans": (st.booleans(), pa.bool_()),
}


def seen(parts: Iterable[pa.Array]) -> UniqueValues:
    found = UniqueValues()
    for part in parts:
        found.add(ColumnBatch(part))
    return found


def _repeated(values: list[object]) -> Repeated:
    rows = [row for row, value in enumerate(values) if value is not None and value in values[:row]]
    return Repeated(len(rows), tuple(rows[:10]))


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data(), cut=st.integers(0, 30), part_rows=st.sampled_from([2, 7, 1 << 19]))
@settings(max_examples=40, deadline=None)
def test_repetitions_are_those_a_plain_search_finds(name: str, data: st.DataObject, cut: int, part_rows: int) -> None:
    values, arrow_type = VALUES[name]
    column = data.draw(st.lists(st.one_of(st.none(), values), max_size=30))
    parts = [pa.array(part, arrow_type) for part in (column[:cut], column[cut:])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uniqueness, "PART_ROWS", part_rows)
        assert seen(parts).repeated() == _repeated(column)
        first, second = seen(parts[:1]), seen(parts[1:])
        first.merge(second)
        assert first.repeated() == _repeated(column)


def test_text_in_dictionaries_and_slices_is_compared_by_value() -> None:
    found = seen(
        [
            pa.array(["a", "b", None, "c"]).dictionary_encode(),
            pa.array(["x", "b", "d", "d"]).slice(1),
            pa.array(["", "a"], pa.large_string()),
        ]
    )
    assert found.repeated() == Repeated(3, (4, 6, 8))


def test_a_million_texts_have_no_repetition_and_the_two_that_have_are_found() -> None:
    texts = pa.array([f"EV{number:012d}" for number in range(1_000_000)])
    found = seen([texts])
    assert found.repeated() == Repeated(0, ())
    found.add(ColumnBatch(texts.slice(700_000, 2)))
    assert found.repeated() == Repeated(2, (1_000_000, 1_000_001))


def test_texts_of_one_hash_are_told_apart_by_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    proper = batch.text_fingerprints

    def weak(texts: pa.Array) -> tuple[Words, Words]:
        first, second = proper(texts)
        return first & first.dtype.type(3), second

    monkeypatch.setattr(batch, "text_fingerprints", weak)
    texts: list[Any] = [f"t{number}" for number in range(50)]
    assert seen([pa.array(texts), pa.array(["t7", "new"])]).repeated() == Repeated(1, (50,))


def test_more_rows_than_a_byte_can_number_parts_of_are_searched_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uniqueness, "PART_ROWS", 2)
    values = [*range(1_000), 3, 999]
    assert seen([pa.array(values, pa.int64())]).repeated() == Repeated(2, (1_000, 1_001))
