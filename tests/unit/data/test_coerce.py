"""The table of coercions, row by row."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from trimtab.data.coerce import ARROW_TYPES, coerce
from trimtab.spec import ColumnType

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CASES = [
    (pa.array([1, None], pa.int8()), "integer", [1, None], []),
    (pa.array([True, False]), "integer", [1, 0], []),
    (pa.array([2**63, 5], pa.uint64()), "integer", [None, 5], [0]),
    (pa.array([1.0, 1.5, float("nan"), float("inf"), 2.0**60]), "integer", [1, None, None, None, None], [1, 3, 4]),
    (pa.array([Decimal("3.00"), Decimal("3.50")]), "integer", [3, None], [1]),
    (pa.array([1, 2], pa.int32()), "number", [1.0, 2.0], []),
    (pa.array([1.5, float("nan")], pa.float32()), "number", [1.5, None], []),
    (pa.array([Decimal("1.25")]), "number", [1.25], []),
    (pa.array(["a"], pa.large_string()), "string", ["a"], []),
    (pa.array(["a", "a"]).dictionary_encode(), "string", ["a", "a"], []),
    (pa.array([0, 1, 2]), "boolean", [False, True, None], [2]),
    (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("s")), "timestamp", [NOON], []),
    (pa.array([NOON], pa.timestamp("ns", "America/New_York")), "timestamp", [NOON], []),
    (pa.array([date(2026, 1, 1)]), "timestamp", [datetime(2026, 1, 1, tzinfo=UTC)], []),
    (pa.array([10**18], pa.timestamp("us")), "timestamp", [None], [0]),
    (pa.nulls(2), "number", [None, None], []),
]
TEXT_CASES = [
    (["1", " 2 ", "3.0", "x", "", "NA", "1_0", "0x10"], "integer", [1, 2, 3, None, None, None, None, None], [3, 6, 7]),
    (["9223372036854775807", "-9223372036854775808"], "integer", [2**63 - 1, -(2**63)], []),
    (["9223372036854775807", "x", "-9223372036854775808"], "integer", [2**63 - 1, None, -(2**63)], [1]),
    (["9007199254740994.0", "9223372036854775808", "9" * 30], "integer", [None, None, None], [0, 1, 2]),
    (["1.5", "+2", "1e3", "abc", "nan"], "number", [1.5, 2.0, 1000.0, None, None], [3]),
    (["true", "0", "maybe"], "boolean", [True, False, None], [2]),
    (["2026-01-01 12:00:00", "2026-01-01T12:00:00Z", "soon"], "timestamp", [NOON, NOON, None], [2]),
    (["2026-01-01T13:00:00+01:00"], "timestamp", [NOON], []),
    (["NA", "", None], "string", ["NA", "", None], []),
]
OBJECT_CASES = [
    ([1, True, 1.5, 2.0, "1", None, 2**70], "integer", [1, 1, None, 2, None, None, None], [2, 4, 6]),
    ([-(2**63), "x", -(2**63) - 1], "integer", [-(2**63), None, None], [1, 2]),
    ([1, 1.5, True, "1", None, 10**400], "number", [1.0, 1.5, None, None, None, None], [2, 3, 5]),
    (["a", 1, "\ud800", {"b": 1}], "string", ["a", None, None, None], [1, 2, 3]),
    ([True, 1, 2, "true"], "boolean", [True, True, None, None], [2, 3]),
    (["2026-01-01T12:00:00Z", 5, None], "timestamp", [NOON, None, None], [1]),
]


def _check(column: Any, target: str, expected: list[Any], bad: list[int], *, text: bool) -> None:
    found = coerce(column, ColumnType(target), text=text)
    assert found.conflict is None
    assert found.column.to_pylist() == expected
    assert found.bad.tolist() == bad


@pytest.mark.parametrize(("column", "target", "expected", "bad"), CASES)
def test_a_typed_column_becomes_the_contracts_type(
    column: Any, target: str, expected: list[Any], bad: list[int]
) -> None:
    _check(column, target, expected, bad, text=False)


@pytest.mark.parametrize(("texts", "target", "expected", "bad"), TEXT_CASES)
def test_text_of_a_csv_file_is_read_as_the_contracts_type(
    texts: list[str], target: str, expected: list[Any], bad: list[int]
) -> None:
    _check(pa.array(texts), target, expected, bad, text=True)


@pytest.mark.parametrize(("values", "target", "expected", "bad"), OBJECT_CASES)
def test_json_values_are_taken_for_what_they_are(
    values: list[Any], target: str, expected: list[Any], bad: list[int]
) -> None:
    _check(values, target, expected, bad, text=False)


@pytest.mark.parametrize(
    ("column", "target"),
    [
        (pa.array(["1"]), "number"),
        (pa.array(["1"]), "integer"),
        (pa.array([1]), "string"),
        (pa.array([[1]]), "number"),
        (pa.array([{"a": 1}]), "string"),
        (pa.array([1]), "timestamp"),
        (pa.array([1.0]), "boolean"),
        (pa.array([2**62], pa.timestamp("s")), "timestamp"),
    ],
)
def test_what_is_not_in_the_table_is_a_conflict(column: pa.Array, target: str) -> None:
    found = coerce(column, ColumnType(target), text=False)
    assert found.conflict == str(column.type)
    assert found.column.type == ARROW_TYPES[ColumnType(target)]
