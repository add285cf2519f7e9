"""Captured traffic is decoded in every encoding that SageMaker uses; what is broken is counted, not lost in silence."""

from datetime import UTC, datetime

import pytest

from tests.fakes import NOON
from tests.unit.functions.scene import tiny_spec
from tests.unit.monitoring.captured import Row, direction, json_lines, line, request_line
from trimtab.errors import DataError
from trimtab.monitoring.capture import decode_line, decode_lines, distinct
from trimtab.monitoring.records import SCORE, SCORES, TIME, VERSION, record_schema, to_table

DATA = tiny_spec().data
RECORDS: list[Row] = [
    {"row": 1, "seen": "2026-01-01T10:00:00", "x": 0.25, "kind": "a"},
    {"row": 2, "x": None, "kind": "b"},
]
ANSWERS: list[Row] = [{"id": 1, "score": 0.5, "version": 3}, {"id": 2, "score": 1, "version": 3}]


@pytest.mark.parametrize("encoding", ["JSON", "BASE64"])
def test_a_request_of_json_lines_becomes_one_row_a_record(encoding: str) -> None:
    request = direction("INPUT", json_lines(RECORDS), encoding=encoding)
    answer = direction("OUTPUT", json_lines(ANSWERS), encoding=encoding)
    table = to_table([decode_line(line("e1", NOON, request, answer), DATA)], DATA)
    assert table.schema == record_schema(DATA)
    assert table.column("row").to_pylist() == [1, 2]
    assert table.column("x").to_pylist() == [0.25, None]
    assert table.column("seen").to_pylist() == [datetime(2026, 1, 1, 10, tzinfo=UTC), None]
    assert table.column(SCORE).to_pylist() == [0.5, 1.0]
    assert table.column(VERSION).to_pylist() == [3, 3]
    assert table.column(TIME).to_pylist() == [NOON, NOON]


@pytest.mark.parametrize("encoding", ["CSV", "BASE64"])
def test_a_csv_request_is_read_by_the_contracts_order(encoding: str) -> None:
    request = direction("INPUT", '1,0.25,a\n2,,"b"\n', "text/csv", encoding)
    answer = direction("OUTPUT", "0.5\n0.75\n", "text/csv; charset=utf-8", encoding)
    table = to_table([decode_line(line("e1", NOON, request, answer), DATA)], DATA)
    assert table.column("row").to_pylist() == [1, 2]
    assert table.column("x").to_pylist() == [0.25, None]
    assert table.column("kind").to_pylist() == ["a", "b"]
    assert table.column(SCORE).to_pylist() == [0.5, 0.75]
    assert table.column(VERSION).to_pylist() == [None, None]


def test_a_json_array_and_a_single_object_are_records_too() -> None:
    for body in ('[{"row": 1, "x": 0.5, "kind": "a"}]', '{"row": 1, "x": 0.5, "kind": "a"}'):
        request = direction("INPUT", body, "application/json")
        answer = direction("OUTPUT", '{"id": 1, "score": 0.5}', "application/json")
        assert len(decode_line(line("e1", NOON, request, answer), DATA).records) == 1


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_a_text_may_hold_what_other_programs_take_for_the_end_of_a_line(separator: str) -> None:
    request = direction("INPUT", f'{{"row": 1, "x": 0.5, "kind": "a{separator}b"}}\n')
    answer = direction("OUTPUT", json_lines(ANSWERS[:1]))
    (record,) = decode_line(line("e1", NOON, request, answer), DATA).records
    assert record["kind"] == f"a{separator}b"


def test_requests_of_both_kinds_stand_in_one_table_in_order() -> None:
    text = line("e1", NOON, direction("INPUT", "7,0.5,a\n", "text/csv", "CSV"), direction("OUTPUT", "1\n", "text/csv"))
    events = [decode_line(text, DATA), decode_line(request_line("e2", NOON, RECORDS[:1], [0.5]), DATA)]
    assert to_table(events, DATA).column("row").to_pylist() == [7, 1]
    assert to_table([], DATA).num_rows == 0


@pytest.mark.parametrize(
    "broken",
    [
        b"not json\n",
        b"[]\n",
        b"{}\n",
        line("e", NOON, direction("INPUT", "1,2\n", "text/csv", "CSV"), direction("OUTPUT", "1\n", "text/csv", "CSV")),
        line("e", NOON, direction("INPUT", "[1]"), direction("OUTPUT", '{"score": 1}')),
        line("e", NOON, direction("INPUT", json_lines(RECORDS)), direction("OUTPUT", json_lines(ANSWERS[:1]))),
        line("e", NOON, direction("INPUT", json_lines(RECORDS)), direction("OUTPUT", "oops")),
        line("e", NOON, {"data": "%%%", "encoding": "BASE64"}, direction("OUTPUT", "")),
        b'{"captureData": ' + b"[" * 100_000 + b"\n",
        line("e", NOON, direction("INPUT", "[" * 100_000), direction("OUTPUT", '{"score": 1}')),
        line("e", NOON, direction("INPUT", '{"row": 1}'), direction("OUTPUT", f'{{"score": {10**400}}}')),
        line("e", NOON, direction("INPUT", "a" * 200_000, "text/csv"), direction("OUTPUT", "1\n", "text/csv")),
        request_line("e", NOON, RECORDS[:1], [0.5]).replace(b"eventId", b"id"),
    ],
)
def test_a_line_that_cannot_be_read_is_told_and_the_rest_goes_on(broken: bytes) -> None:
    good = request_line("e2", NOON, RECORDS, [0.1, 0.2])
    found = list(decode_lines([broken, b"\n", good], DATA))
    assert isinstance(found[0], DataError)
    assert len(found) == 2
    assert not isinstance(found[1], DataError)


def test_an_event_that_was_captured_twice_counts_once() -> None:
    event = decode_line(request_line("e1", NOON, RECORDS, [0.1, 0.2]), DATA)
    assert list(distinct([event, event])) == [event]


def test_a_value_of_another_type_is_missing() -> None:
    event = decode_line(request_line("e1", NOON, [{"row": 1, "x": "high", "kind": "a"}], [0.5]), DATA)
    assert to_table([event], DATA).column("x").to_pylist() == [None]


@pytest.mark.parametrize("answer", ['"scores": {"a": 1' + "0" * 400 + "}", '"version": "' + "9" * 40 + '"'])
def test_a_number_that_nothing_can_hold_is_no_probability_and_no_version(answer: str) -> None:
    captured = line("e", NOON, direction("INPUT", '{"row": 1}'), direction("OUTPUT", f'{{"score": 1, {answer}}}'))
    table = to_table([decode_line(captured, DATA)], DATA)
    assert [table.column(name).to_pylist() for name in (SCORE, SCORES, VERSION)] == [[1.0], [None], [None]]
