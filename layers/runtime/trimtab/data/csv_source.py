"""CSV, by record batches of text. Only an unquoted empty cell is missing here; typed columns know more such texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from trimtab.data.dialect import read_header
from trimtab.data.limits import Limits
from trimtab.data.reading import UNDECLARED, Declared, Reading
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, check_column_count
from trimtab.data.streams import HEADER_BYTES, Text
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, TextOptions


class CsvSource:
    """A CSV file with one header row. Encoding and dialect are what the spec names, else what the file shows."""

    is_text = True
    row_groups: Sequence[int] = ()

    def __init__(
        self,
        stream: BinaryIO,
        columns: dict[str, Column],
        limits: Limits,
        declared: Declared | TextOptions = UNDECLARED,
    ) -> None:
        self._limits, self._columns = limits, columns
        self.ragged: list[RaggedRow] = []
        text = Text.of(stream, limits, declared.encoding)
        self._stream = text.open()
        head = self._stream.peek(HEADER_BYTES)
        header = read_header(head.decode(errors="ignore"), columns, declared)  # only its end may cut a character
        self.names, self.dialect = header.names, header.dialect
        self._has_rows = len(head.strip().splitlines()) > 1
        check_column_count(len(self.names), limits.columns)
        self._wanted = [name for name in columns if self.names.count(name) == 1]
        found = (*text.form.findings(declared.encoding), *self.dialect.findings(declared))
        self.reading = Reading("csv", text.form, self.dialect, found)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in blocks of text columns. Raises DataError naming the row after which parsing failed."""
        rows = 0
        try:
            for batch in self._batches():
                yield Chunk(rows + 1, batch.num_rows, {name: self._column(batch, name) for name in self._wanted})
                rows += batch.num_rows
        except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
            raise
        except UNREADABLE as error:
            raise DataError(f"the CSV file cannot be parsed after row {rows:,}: {_advice(str(error))}") from error

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """The column as text; a decimal comma is a point, and a point where commas are decimal no number at all."""
        column = batch.column(name)
        if self.dialect.decimal == "." or self._columns[name].type != "number":
            return column
        return pc.replace_substring(pc.replace_substring(column, ".", "?"), ",", ".")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if not self._has_rows or not self._wanted:
            return iter(())
        reader: Iterator[pa.RecordBatch] = pv.open_csv(
            self._stream,
            read_options=pv.ReadOptions(use_threads=False, block_size=self._limits.line_bytes),
            parse_options=pv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote,
                newlines_in_values=True,
                invalid_row_handler=self._note_ragged,
            ),
            convert_options=pv.ConvertOptions(
                include_columns=self._wanted,
                column_types=dict.fromkeys(self._wanted, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        return reader

    def _note_ragged(self, row: pv.InvalidRow) -> str:
        self.ragged.append(RaggedRow((row.number or 1) - 1, row.actual_columns))
        return "skip"


def _advice(message: str) -> str:
    if "straddling object" in message:
        return "a row is longer than is read at once; is a quote left open?"
    return f"{message[:300]}. Write it again"
