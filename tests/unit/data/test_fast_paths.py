"""Ways that are taken only because they are quicker: each gives what the plain way gives."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.column_types import ColumnType
from trimtab.data import spilled_words
from trimtab.data.batch import ColumnBatch
from trimtab.data.checks.shapes import SHAPES, ShapeCheck
from trimtab.data.coerce import coerce
from trimtab.data.contract import Contract
from trimtab.data.drift.distributions import distribution_gaps
from trimtab.data.parquet_source import _check_cells
from trimtab.data.rules import value_rules
from trimtab.data.sketch import ValueSketch
from trimtab.data.spilled_words import SpilledWords
from trimtab.data.uniqueness import UniqueValues
from trimtab.errors import DataError
from trimtab.spec import DataSpec

numbers = st.lists(st.floats(-1e9, 1e9) | st.sampled_from([0.0, -0.0, 5e-324, 2.5]), min_size=1, max_size=80)


def _shapes_of(batches: list[pa.Array]) -> list[tuple[str, int]]:
    check = ShapeCheck("contact", SHAPES)
    for batch in batches:
        check.add(1, {"contact": ColumnBatch(batch)})
    rows = sum(map(len, batches))
    return [(found.message, found.count) for found in check.violations(rows, tolerated=False)]


def _coded(levels: list[str], codes: list[int]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(levels))


def test_levels_that_were_plain_before_are_skipped_and_new_ones_are_not() -> None:
    plain = _coded(["red", "blue"], [0, 1, 1])
    mailed = _coded(["red", "a@example.org", "blue"], [1, 1, 0])
    once = _shapes_of([mailed])
    assert [count for _, count in once] == [2]
    assert _shapes_of([plain, plain, mailed])[0][1] == 2
    assert _shapes_of([plain, mailed, mailed])[0][1] == 4  # one that has a shape is never taken for plain
    assert _shapes_of([plain, plain]) == []


@pytest.mark.parametrize("code", [-1, 3, 2**31 - 1, -(2**31)])
def test_codes_beyond_the_dictionary_never_index_it(code: int) -> None:
    codes = pa.Array.from_buffers(pa.int32(), 3, [None, pa.py_buffer(np.array([0, code, 1], np.int32))])
    broken = pa.DictionaryArray.from_arrays(codes, pa.array(["a", "b", "c"]), safe=False)
    with pytest.raises(pa.ArrowIndexError, match="out of bounds"):
        coerce(broken, ColumnType.STRING, text=False)


def test_a_missing_rows_code_may_be_anything() -> None:
    codes = np.array([0, 99, 1], np.int32)
    present = pa.py_buffer(np.packbits([1, 0, 1], bitorder="little"))
    indices = pa.Array.from_buffers(pa.int32(), 3, [present, pa.py_buffer(codes)])
    coded = pa.DictionaryArray.from_arrays(indices, pa.array(["a", "b"]), safe=False)
    batch = ColumnBatch(coerce(coded, ColumnType.STRING, text=False).column)
    texts, counts = batch.levels
    assert (texts.to_pylist(), counts.tolist()) == (["a", "b"], [1, 1])


@given(st.data())
def test_levels_of_sliced_columns_with_missing_rows_are_counted(data: st.DataObject) -> None:
    values = data.draw(st.lists(st.sampled_from(["x", "y", "z", None]), max_size=60))
    start = data.draw(st.integers(0, len(values)))
    column = pa.array(values, pa.string()).dictionary_encode().slice(start)
    texts, counts = ColumnBatch(column).levels
    found = {text: count for text, count in zip(texts.to_pylist(), counts.tolist(), strict=True) if count}
    kept = [value for value in values[start:] if value is not None]
    assert found == {value: kept.count(value) for value in kept}


@given(numbers, st.integers(0, 70))
def test_present_numbers_of_sliced_columns_are_those_of_the_rows(values: list[float], start: int) -> None:
    some: list[Any] = [None if place % 3 == 1 else value for place, value in enumerate(values)]
    batch = ColumnBatch(pa.array(some, pa.float64()).slice(start))
    kept = [value for value in some[start:] if value is not None]
    assert batch.present.tolist() == kept
    assert batch.extremes == ((min(kept), max(kept)) if kept else None)


def _pattern_rows(pattern: str, values: list[str | None], *, coded: bool = False) -> list[int]:
    spec = DataSpec.model_validate(
        {"id": "key", "label": "y", "columns": {"key": {"type": "string", "pattern": pattern, "nullable": True},
                                                "y": {"type": "integer"}}}
    )  # fmt: skip
    rule = next(found for found in value_rules("key", spec.columns["key"], _contract(spec)) if found.name == "pattern")
    column = pa.array(values, pa.string())
    batch = ColumnBatch(column.dictionary_encode() if coded else column)
    return rule.broken(batch.column).tolist() if rule.suspects(batch) else []


def _contract(spec: DataSpec) -> Contract:
    from trimtab.data.contract import data_contract

    return data_contract(spec)


@pytest.mark.parametrize("coded", [False, True])
def test_texts_unlike_a_plain_pattern_are_found_among_many(coded: bool) -> None:
    values: list[str | None] = [f"EV{place:06d}" for place in range(10_000)]
    values[5], values[4_095], values[4_096], values[9_999] = "EV12345", "XX123456", "EV12345é", "ev123456"
    assert _pattern_rows("EV[0-9]{6}", values, coded=coded) == [5, 4_095, 4_096, 9_999]
    assert _pattern_rows("EV[0-9]+|XX[0-9]+", values, coded=coded) == [4_096, 9_999]
    values[7_000] = None
    assert _pattern_rows("EV[0-9]{6}", values, coded=coded) == [5, 4_095, 4_096, 9_999]


@pytest.mark.parametrize("held", [pa.string(), pa.large_string()])
def test_the_longest_text_of_a_batch_is_measured_only_when_one_may_be_too_long(held: pa.DataType) -> None:
    texts = pa.array(["x" * 500, "y" * 8, "é" * 5], held)
    _check_cells({"note": texts.slice(1), "empty": texts.slice(3)}, 0, 10)
    _check_cells({"note": texts}, 0, 500)
    with pytest.raises(DataError, match="'note' has a text of more than 499 bytes after row 7"):
        _check_cells({"note": texts}, 7, 499)
    with pytest.raises(DataError, match="more than 9 bytes"):
        _check_cells({"note": texts.slice(2)}, 0, 9)


@given(numbers, numbers)
def test_distributions_are_as_far_apart_as_counting_says(left: list[float], right: list[float]) -> None:
    values, gaps = distribution_gaps(ValueSketch.of(np.array(left)), ValueSketch.of(np.array(right)))
    assert values.tolist() == sorted({value + 0.0 for value in (*left, *right)})
    for value, gap in zip(values.tolist(), gaps.tolist(), strict=True):
        shares = [sum(each <= value for each in side) / len(side) for side in (left, right)]
        assert gap == pytest.approx(abs(shares[0] - shares[1]), abs=1e-12)


def test_words_beyond_those_held_are_in_a_file_and_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilled_words, "MOST_HELD", 100)
    first, second, kept = SpilledWords(), SpilledWords(), list[int]()
    for start, owner in ((0, first), (90, first), (200, first), (300, second), (370, second)):
        words = np.arange(start, start + 60, dtype=np.uint64)
        kept += words.tolist()
        owner.append(words)
    first.extend(second)
    assert first.all().tolist() == kept == first.all().tolist()
    first.append(np.array([7], np.uint64))
    assert first.all().tolist() == [*kept, 7]
    assert not len(SpilledWords().all())


@pytest.mark.parametrize("held", [0, 1 << 21])
def test_repeated_texts_are_found_whether_their_hashes_were_spilled_or_not(
    held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spilled_words, "MOST_HELD", held)
    seen, other = UniqueValues(), UniqueValues()
    seen.add(ColumnBatch(pa.array(["a", None, "b", "a"])))
    other.add(ColumnBatch(pa.array(["c", "b", "d"])))
    seen.merge(other)
    assert seen.repeated().rows == (3, 5)
    again = UniqueValues()
    again.take(seen.state())
    assert again.repeated() == seen.repeated()
