"""Files become tables in the contract's types."""

import io
import json

import pytest

from tests.unit.data.samples import DATA, csv, parquet, trips
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.read import Format, format_of, read_table
from trimtab.errors import DataError


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
