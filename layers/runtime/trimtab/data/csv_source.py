"""CSV, by record batches of text. Only an unquoted empty cell is missing here; typed columns know more such texts."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pc

from trimtab.data.limits import Limits
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, check_column_count
from trimtab.data.streams import HEADER_BYTES, plain_bytes
from trimtab.errors import DataError
from trimtab.spec import Column

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


class CsvSource:
    """A CSV file in UTF-8 with one header row, commas and double quotes."""

    is_text = True

    def __init__(self, stream: BinaryIO, columns: dict[str, Column], limits: Limits) -> None:
        self._limits = limits
        self.ragged: list[RaggedRow] = []
        self._stream = plain_bytes(stream, limits)
        head = self._stream.peek(HEADER_BYTES)
        self.names: Sequence[str] = _header(head)
        self._has_rows = len(head.strip().splitlines()) > 1
        check_column_count(len(self.names), limits.columns)
        self._wanted = [name for name in columns if self.names.count(name) == 1]

    def chunks(self) -> Iterator[Chunk]:
        """The rows in blocks of text columns. Raises DataError naming the row after which parsing failed."""
        rows = 0
        try:
            for batch in self._batches():
                yield Chunk(rows + 1, batch.num_rows, {name: batch.column(name) for name in self._wanted})
                rows += batch.num_rows
        except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
            raise
        except UNREADABLE as error:
            raise DataError(f"the CSV file cannot be parsed after row {rows:,}: {_advice(str(error))}") from error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if not self._has_rows or not self._wanted:
            return iter(())
        reader: Iterator[pa.RecordBatch] = pc.open_csv(
            self._stream,
            read_options=pc.ReadOptions(use_threads=False, block_size=self._limits.line_bytes),
            parse_options=pc.ParseOptions(newlines_in_values=True, invalid_row_handler=self._note_ragged),
            convert_options=pc.ConvertOptions(
                include_columns=self._wanted,
                column_types=dict.fromkeys(self._wanted, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        return reader

    def _note_ragged(self, row: pc.InvalidRow) -> str:
        self.ragged.append(RaggedRow((row.number or 1) - 1, row.actual_columns))
        return "skip"


def _header(head: bytes) -> list[str]:
    text = head.decode("utf-8-sig", errors="ignore")  # the stream has checked it; only its end may cut a character
    try:
        names = next((row for row in csv.reader(io.StringIO(text, newline="")) if row), [])
    except csv.Error as error:
        raise DataError(f"the CSV header cannot be read: {error}") from error
    if not names:
        raise DataError("the CSV file has no header row: its first row must name the columns")
    return _comma_separated(names)


def _comma_separated(names: list[str]) -> list[str]:
    for separator, title in _OTHER_SEPARATORS.items():
        if len(names) == 1 and separator in names[0]:
            raise DataError(f"the CSV file is separated by {title}, not commas: its header is {names[0][:80]!r}")
    return names


def _advice(message: str) -> str:
    if "straddling object" in message:
        return "a row is longer than is read at once; is a quote left open?"
    return f"{message[:300]}. Write it again"
