"""A CSV file is read once, in its contract's types, and what turns out late to be otherwise costs no value."""

import gzip
import io
from collections.abc import Iterator

import pyarrow as pa
import pytest

from trimtab.data.csv_source import CsvSource
from trimtab.data.limits import Limits
from trimtab.data.read import open_source, typed_batches
from trimtab.data.validate import validate
from trimtab.spec import DataSpec

ROWS = 30_000
SMALL_BLOCKS = Limits(line_bytes=16 * 1024, batch_rows=2_000)
SPEC = DataSpec.model_validate(
    {
        "id": "key",
        "label": "good",
        "columns": {
            "key": {"type": "string"},
            "count": {"type": "integer", "nullable": True},
            "size": {"type": "number", "nullable": True},
            "at": {"type": "timestamp", "nullable": True},
            "kind": {"type": "string", "nullable": True},
            "good": {"type": "boolean", "nullable": True},
        },
        "quality": {"min_rows": 1},
    }
)


class Counted(io.BytesIO):
    """Bytes that know how many of them were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """As always."""
        block = super().read(size)
        self.taken += len(block)
        return block


def lines(changed: dict[int, str]) -> bytes:
    """A table in which some rows (from 0) are others."""
    rows = (f"K{row:06d},{row},{row / 8},2026-01-01T00:00:{row % 60:02d},kind {row % 7},true" for row in range(ROWS))
    text = "\n".join(changed.get(number, line) for number, line in enumerate(rows))
    return f"key,count,size,at,kind,good\n{text}\n".encode()


def kinds(body: bytes) -> Iterator[dict[str, pa.DataType]]:
    """The type in which each column comes, chunk by chunk."""
    for chunk in open_source(io.BytesIO(body), "csv", SPEC.columns, SMALL_BLOCKS).chunks():
        yield {name: column.type for name, column in chunk.columns.items() if not isinstance(column, list)}


def read(body: bytes) -> pa.Table:
    """The typed table, read in small blocks."""
    return pa.Table.from_batches(typed_batches(io.BytesIO(body), "csv", SPEC, SMALL_BLOCKS))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_byte_is_read_once(pack: type[bytes]) -> None:
    stream = Counted(pack(lines({})))
    report = validate(stream, "csv", SPEC)
    assert report.rows == ROWS
    assert stream.taken <= len(stream.getvalue()) + 100


@pytest.mark.parametrize(
    ("row", "cells", "column", "value"),
    [
        (5, "K000005,NA,1,2026-01-01,kind 1,true", "count", None),
        (5, "K000005,5,1,2026-01-01T00:00:00Z,kind 1,true", "count", 5),
        (ROWS - 9, "K1,NA,1,2026-01-01,kind 1,true", "count", None),
        (ROWS - 9, "K1,many,1,2026-01-01,kind 1,true", "count", None),
        (ROWS - 9, "K1,0x10,1,2026-01-01,kind 1,true", "count", None),
        (ROWS - 9, "K1,16.0,1,2026-01-01,kind 1,true", "count", 16),
        (ROWS - 9, "0x,16,1,2026-01-01,kind 1,true", "key", "0x"),
        (ROWS - 9, "K1,1,NaN,,,", "good", None),
        (ROWS - 9, "K1,1,1,2026-01-01,NA,", "kind", "NA"),
        (ROWS - 9, "K1,1,N/A,2026-01-01 01:00:00+01:00,kind 1,1", "good", True),
    ],
)
def test_a_surprise_changes_only_its_own_cell(row: int, cells: str, column: str, value: object) -> None:
    usual, found = read(lines({})), read(lines({row: cells}))
    assert found.column(column)[row].as_py() == value
    for part in (slice(0, row), slice(row + 1, None)):
        assert found[part].equals(usual[part])


def test_only_the_column_of_a_surprise_comes_as_text() -> None:
    chunks = list(kinds(lines({ROWS - 9: "K1,NA,1,2026-01-01,kind 1,true"})))
    assert [held["count"] for held in chunks[:1] + chunks[-1:]] == [pa.int64(), pa.string()]
    assert {held["size"] for held in chunks} == {pa.float64()}


def test_the_head_shows_what_is_not_of_its_type() -> None:
    (chunk, *_) = kinds(lines({5: "K1,NA,none,2026-01-01,kind 1,maybe"}))
    assert [chunk[name] for name in ("count", "size", "good")] == [pa.string()] * 3
    assert chunk["at"] == pa.timestamp("us")


def test_instants_with_a_zone_are_read_as_such() -> None:
    body = "".join(f"K{row},1,1,2026-01-01T00:00:00+01:00,a,true\n" for row in range(9))
    (chunk,) = kinds(f"key,count,size,at,kind,good\n{body}".encode())
    assert chunk["at"] == pa.timestamp("us", "UTC")


def test_a_file_full_of_late_surprises_is_begun_anew_only_a_few_times() -> None:
    names = [f"count{place}" for place in range(9)]
    usual = ",".join(["1"] * len(names)) + "\n"
    wrong = [",".join("?" if place == other else "1" for other in range(9)) + "\n" for place in range(9)]
    stream = Counted((",".join(names) + "\n" + usual * ROWS + "".join(wrong)).encode())
    source = CsvSource(stream, dict.fromkeys(names, SPEC.columns["count"]), SMALL_BLOCKS)
    assert sum(chunk.rows for chunk in source.chunks()) == ROWS + len(names)
    assert stream.taken < 5.5 * len(stream.getvalue())


def test_an_accent_of_another_encoding_may_come_late() -> None:
    body = lines({ROWS - 9: "K1,1,1,2026-01-01,Größe,true"}).decode().encode("cp1252")
    report = validate(io.BytesIO(body), "csv", SPEC, limits=SMALL_BLOCKS)
    assert [reading.form.encoding for reading in report.readings if reading.form] == ["windows-1252"]
    assert "encoding" in [violation.rule for violation in report.violations]
    assert read(body).column("kind")[ROWS - 9].as_py() == "Größe"


def test_bytes_that_are_no_text_refuse_a_file_however_late_they_come() -> None:
    body = lines({}) + b"K1,1,1,2026-01-01,\x81\x8d,true\n"
    report = validate(io.BytesIO(body), "csv", SPEC, limits=SMALL_BLOCKS)
    assert [violation.message for violation in report.violations] == [
        f"byte {body.index(0x81) + 1:,} of the file is not UTF-8: save the file as UTF-8"
    ]
