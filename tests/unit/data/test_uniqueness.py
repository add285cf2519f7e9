"""Repeated values are found wherever they stand."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.data.uniqueness import UniqueValues

VALUES = {
    "integers": (st.integers(-5, 5), pa.int64()),
    "numbers": (st.sampled_from([0.5, 1.5, -2.0, 1e300]), pa.float64()),
    "texts": (st.text(alphabet="aé\x00", max_size=4), pa.string()),
    "booleans": (st.booleans(), pa.bool_()),
}


def _repeated(values: list[object]) -> list[int]:
    return [row for row, value in enumerate(values) if value is not None and value in values[:row]]


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data(), cut=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_repetitions_are_those_a_plain_search_finds(name: str, data: st.DataObject, cut: int) -> None:
    values, arrow_type = VALUES[name]
    column = data.draw(st.lists(st.one_of(st.none(), values), max_size=30))
    seen = UniqueValues()
    for part in (column[:cut], column[cut:]):
        seen.add(pa.array(part, arrow_type))
    assert seen.repeated_rows().tolist() == _repeated(column)


def test_text_in_dictionaries_and_slices_is_compared_by_value() -> None:
    seen = UniqueValues()
    seen.add(pa.array(["a", "b", None, "c"]).dictionary_encode())
    seen.add(pa.array(["x", "b", "d", "d"]).slice(1))
    seen.add(pa.array(["", "a"], pa.large_string()))
    assert seen.repeated_rows().tolist() == [4, 6, 8]


def test_a_million_texts_have_no_repetition() -> None:
    seen = UniqueValues()
    seen.add(pa.array([f"EV{number:012d}" for number in range(1_000_000)]))
    assert len(seen.repeated_rows()) == 0
