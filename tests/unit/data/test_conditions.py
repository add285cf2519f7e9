"""Conditions mean what they say: the same as Python says, row by row, with missing values unknown."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trimtab.data.conditions import holds
from trimtab.spec.expression import parse_expression

TYPES = {
    "a": "integer",
    "b": "number",
    "t": "string",
    "f": "boolean",
    "u": "timestamp",
    "v": "timestamp",
    "dep delay": "number",
}
ROWS: dict[str, Any] = {
    "a": pa.array([0, 1, None, 4], pa.int64()),
    "b": pa.array([0.5, -2.0, 3.0, None]),
    "t": pa.array(["red", "Blue", None, ""]),
    "f": pa.array([True, False, None, True]),
    "u": pa.array([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)], pa.timestamp("us", "UTC")),
    "v": pa.array([datetime(2026, 1, 2, tzinfo=UTC)] * 4, pa.timestamp("us", "UTC")),
    "dep delay": pa.array([1.0, 2.0, 3.0, 4.0]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a > 0", [False, True, None, True]),
        ("0 <= a < 4", [True, True, None, False]),
        ("a", [False, True, None, True]),
        ("not f", [False, True, None, False]),
        ("a > 0 or f", [True, True, None, True]),
        ("b is None", [False, False, False, True]),
        ("b is not None and b < 0", [False, True, False, False]),
        ("a / a == 1", [None, True, None, True]),
        ("b % 2 == 1", [False, False, True, None]),
        ("abs(b) + a * 2 - 1 <= 3", [True, True, None, None]),
        ("-b > 1", [False, True, False, None]),
        ("t in ('red', 'green')", [True, False, None, False]),
        ("a not in (0, -4)", [False, True, None, True]),
        ("lower(t) == 'blue' or length(t) == 0", [False, True, None, True]),
        ("starts_with(t, 'r') or ends_with(t, 'e') or contains(t, 'xx')", [True, True, None, False]),
        ("upper(t) != 'RED'", [False, True, None, True]),
        ("u >= '2026-01-02'", [False, True, True, True]),
        ("'2026-01-02T12:00:00+00:00' > u", [True, True, False, False]),
        ("u - v >= 86400", [False, False, True, True]),
        ("`dep delay` * 2 > 5", [False, False, True, True]),
        ("f == True", [True, False, None, True]),
        ("1 < 2 and f", [True, False, None, True]),
    ],
)
def test_a_condition_holds_where_it_says(text: str, expected: list[bool | None]) -> None:
    assert holds(parse_expression(text, TYPES), ROWS).to_pylist() == expected


NUMBERS = st.one_of(st.none(), st.integers(-9, 9).map(float), st.sampled_from([0.1, 0.5, 1e9]))


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20), text=st.sampled_from(
    ["a < b", "a + b * 2 > a - 1", "a == b or a > 3", "not (a <= 0 and b > 0)", "abs(a) >= b", "a % 3 < 2", "-a != b"]
))  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_rows_without_missing_values_are_judged_as_python_does(rows: list[tuple[Any, Any]], text: str) -> None:
    kinds = {"a": "number", "b": "number"}
    columns = {name: pa.array([row[place] for row in rows], pa.float64()) for place, name in enumerate(("a", "b"))}
    found = holds(parse_expression(text, kinds), columns).to_pylist()
    for (a, b), answer in zip(rows, found, strict=True):
        if a is not None and b is not None:
            assert answer == eval(text, {"abs": abs}, {"a": a, "b": b})
