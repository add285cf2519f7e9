"""The fast way of decoding gives the table of the slow one, or leaves the file to it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import NOON
from tests.unit.functions.scene import tiny_spec
from tests.unit.monitoring.captured import Row, direction, json_lines, line, request_line
from trimtab.errors import DataError
from trimtab.monitoring.capture import Event, decode_lines, traffic
from trimtab.monitoring.captured_json import read_json_lines
from trimtab.monitoring.decode import decoded
from trimtab.monitoring.records import to_table

DATA = tiny_spec().data
VALUES: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.just("2026-01-01T10:00:00"),
    st.just("2026-01-01T10:00:00+02:00"),
    st.lists(st.integers(), max_size=1),
)
USUAL: Any = st.fixed_dictionaries(
    {},
    optional={
        "row": st.integers(-(2**60), 2**60),
        "x": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-5, 5) | st.none(),
        "kind": st.text(max_size=4),
        "seen": st.sampled_from(["2026-01-01T10:00:00", "2026-01-01 10:00:00.5", "no time", ""]),
        "other": VALUES,
    },
)
RECORDS = st.lists(USUAL | st.dictionaries(st.sampled_from(["row", "x", "kind", "seen"]), VALUES), max_size=3)
ANSWERS: Any = st.fixed_dictionaries({"score": st.floats(0, 1)}, optional={"version": st.integers(-1, 9) | VALUES})


def slowly(body: bytes) -> Any:
    events = [event for event in decode_lines(body.splitlines(keepends=True), DATA) if isinstance(event, Event)]
    return to_table(traffic(events), DATA)


@st.composite
def bodies(draw: Any) -> bytes:
    lines = []
    for number in range(draw(st.integers(1, 3))):
        records: list[Row] = draw(RECORDS)
        answers = [draw(ANSWERS) for _ in records]
        spare = draw(st.sampled_from(["", "\n", "\r\n", " "]))
        request = direction("INPUT", json_lines(records) + spare)
        lines.append(line(f"e{number}", NOON, request, direction("OUTPUT", json_lines(answers))))
    return b"".join(lines)


@settings(max_examples=150, deadline=None)
@given(bodies())
def test_both_ways_of_decoding_agree(body: bytes) -> None:
    fast = read_json_lines(body, DATA)
    assert fast is None or fast.equals(slowly(body))


def usual(count: int = 3) -> bytes:
    records = [{"row": n, "x": 0.5, "kind": "a", "seen": "2026-01-01T10:00:00", "more": [1]} for n in range(count)]
    return b"".join(request_line(f"e{n}", NOON + timedelta(minutes=n), records, [0.5] * count) for n in range(2))


def test_the_common_file_is_decoded_the_fast_way() -> None:
    fast = read_json_lines(usual(), DATA)
    assert fast is not None
    assert fast.equals(slowly(usual()))
    assert fast.num_rows == 6


def test_trimtabs_own_requests_are_left_out_either_way() -> None:
    body = usual().replace(b'"eventId": "e0"', b'"eventId": "e0", "inferenceId": "trimtab-synthetic-1"', 1)
    fast = read_json_lines(body, DATA)
    assert fast is not None
    assert fast.equals(slowly(body))
    assert set(fast.column("_event_id").to_pylist()) == {"e1"}


@pytest.mark.parametrize(
    "unusual",
    [
        line("e", NOON, direction("INPUT", json_lines([{"row": 1}]), encoding="BASE64"), direction("OUTPUT", "{}")),
        line("e", NOON, direction("INPUT", "1,0.5,a\n", "text/csv", "CSV"), direction("OUTPUT", "0.5\n", "text/csv")),
        line("e", NOON, direction("INPUT", "{}"), direction("OUTPUT", json.dumps({"scores": {"a": 1.0}}))),
        b"not json\n",
        b"",
    ],
)
def test_the_unusual_is_left_to_the_slow_way(unusual: bytes) -> None:
    assert read_json_lines(unusual + usual(), DATA) is None or not unusual
    table, errors = decoded(unusual + usual(), DATA)
    assert table.equals(slowly(unusual + usual()))
    wrong = [e for e in decode_lines((unusual + usual()).splitlines(keepends=True), DATA) if isinstance(e, DataError)]
    assert len(errors) == len(wrong)
