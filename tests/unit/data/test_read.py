"""Files become tables in the contract's types."""

import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import Format, format_of, read_table, table_from_json_lines
from trimtab.errors import DataError

RECORD = {
    "trip": 7,
    "started": "2026-03-01T10:00:00Z",
    "miles": 3,
    "stops": 2,
    "line": "red",
    "code": "AB7",
    "express": False,
}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("m/data/flights.parquet", "parquet"),
        ("m/data/outcomes_2013-03__available_2013-04-15.csv.gz", "csv"),
        ("m/data/a.JSONL.zst", "jsonl"),
        ("m/data/a.ndjson", "jsonl"),
        ("m/data/part-0001", "parquet"),
        ("m/data.csv/part-0001", "parquet"),
    ],
)
def test_the_name_tells_the_format_and_the_spec_when_it_does_not(name: str, expected: str) -> None:
    assert format_of(name, "parquet") == expected


def test_a_table_is_the_same_from_every_format() -> None:
    table = trips(50)
    lines = "\n".join(json.dumps(row, default=str) for row in table.to_pylist()).encode()
    expected = read_table(parquet(table), "parquet", DATA)
    assert {field.name: field.type for field in expected.schema} == {
        name: ARROW_TYPES[column.type] for name, column in DATA.columns.items()
    }
    others: list[tuple[io.BytesIO, Format]] = [(csv(table), "csv"), (io.BytesIO(lines), "jsonl")]
    for stream, format in others:
        assert read_table(stream, format, DATA).equals(expected)


def test_a_value_of_another_type_is_read_as_missing() -> None:
    body = b'"trip","stops"\n1,2\n2,many\n'
    assert read_table(io.BytesIO(body), "csv", DATA).column("stops").to_pylist() == [2, None]


def test_a_file_without_rows_is_no_table() -> None:
    with pytest.raises(DataError, match="no rows"):
        read_table(io.BytesIO(b"trip,stops\n"), "csv", DATA)


def test_serving_records_become_a_table_of_the_whole_contract() -> None:
    body = json.dumps(RECORD).encode() + b"\n" + json.dumps(RECORD | {"trip": 8, "miles": None}).encode()
    table = table_from_json_lines(body, DATA)
    assert table.column_names == list(DATA.columns)
    assert table.column("miles").to_pylist() == [3.0, None]
    assert table.column("late").to_pylist() == [None, None]
    assert table.column("started")[0].as_py() == datetime(2026, 3, 1, 10, tzinfo=UTC)


def test_no_records_are_an_empty_table() -> None:
    table = table_from_json_lines(b"", DATA)
    assert (table.num_rows, table.schema.field("miles").type) == (0, pa.float64())


@pytest.mark.parametrize(
    ("change", "message"),
    [({"stops": 1.5}, "record 2, column 'stops': 1.5 is no integer"), ({"miles": "far"}, "'far' is no number")],
)
def test_a_record_of_another_type_is_named(change: dict[str, object], message: str) -> None:
    body = json.dumps(RECORD).encode() + b"\n" + json.dumps(RECORD | change).encode()
    with pytest.raises(DataError, match=message):
        table_from_json_lines(body, DATA)


def test_a_record_that_is_no_object_is_named() -> None:
    with pytest.raises(DataError, match="line 2 is not JSON"):
        table_from_json_lines(json.dumps(RECORD).encode() + b"\n{", DATA)
