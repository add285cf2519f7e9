"""CSV, by record batches of text. Only an unquoted empty cell is missing here; typed columns know more such texts."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv

from trimtab.column_types import ColumnType
from trimtab.data.dialect import read_header
from trimtab.data.limits import Limits
from trimtab.data.reading import UNDECLARED, Declared, Reading
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, check_column_count
from trimtab.data.streams import HEADER_BYTES, Text
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, TextOptions

_TYPES: Final = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.STRING: pa.string(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.TIMESTAMP: pa.timestamp("us"),
}
"""What the cells of a column are tried to be read as; a time with a zone is left to the reading as text."""


def _type_of(column: Column) -> pa.DataType:
    """Text that repeats is read into a dictionary."""
    is_category = column.type == "string" and not column.unique
    return pa.dictionary(pa.int32(), pa.string()) if is_category else _TYPES[column.type]


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
        self._text = text
        opened = text.open()
        head = opened.peek(HEADER_BYTES)
        self._stream: BinaryIO = opened
        header = read_header(head.decode(errors="ignore"), columns, declared)  # only its end may cut a character
        self.names, self.dialect = header.names, header.dialect
        self._has_rows = len(head.strip().splitlines()) > 1
        check_column_count(len(self.names), limits.columns)
        self._wanted = [name for name in columns if self.names.count(name) == 1]
        found = (*text.form.findings(declared.encoding), *self.dialect.findings(declared))
        self.reading = Reading("csv", text.form, self.dialect, found)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in blocks of columns. Raises DataError naming the row after which parsing failed.

        Columns come in their contract's types as long as Arrow reads every cell so, at a third of the cost; from the
        first block with a cell that it does not, they come as text, and each cell is looked at by itself.
        """
        rows = 0
        try:
            for batch in self._typed_batches():
                yield Chunk(rows + 1, batch.num_rows, {name: batch.column(name) for name in self._wanted})
                rows += batch.num_rows
        except MemoryError:
            raise
        except pa.ArrowInvalid:
            self.ragged.clear()
            self._stream = self._text.open()
            yield from self._text_chunks(rows)

    def _text_chunks(self, skipped: int) -> Iterator[Chunk]:
        """The rows after the first ``skipped`` ones as text."""
        rows = 0
        try:
            for batch in self._batches(self._stream, dict.fromkeys(self._wanted, pa.string())):
                known, rows = max(skipped - rows, 0), rows + batch.num_rows
                if known >= batch.num_rows:
                    continue
                rest = batch.slice(known)
                columns = {name: self._column(rest, name) for name in self._wanted}
                yield Chunk(rows - rest.num_rows + 1, rest.num_rows, columns)
        except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
            raise
        except UNREADABLE as error:
            raise DataError(f"the CSV file cannot be parsed after row {rows:,}: {_advice(str(error))}") from error

    def _typed_batches(self) -> Iterator[pa.RecordBatch]:
        """Batches in the contract's types. Raises ArrowInvalid at a cell that is not of its type or a broken file."""
        if self.dialect.decimal != ".":
            raise pa.ArrowInvalid("numbers have a decimal comma, on which Arrow does not insist")
        types = {name: _type_of(self._columns[name]) for name in self._wanted}
        watched = _HexWatch(self._stream)
        held: list[pa.RecordBatch] = []
        for batch in self._batches(watched, types):
            if watched.seen:
                raise pa.ArrowInvalid("there may be hexadecimal integers, which Arrow would read")
            held.append(batch)
            if sum(part.num_rows for part in held) >= self._limits.batch_rows // 2:
                yield _joined(held)
                held = []
        if held:
            yield _joined(held)

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """The column as text; a decimal comma is a point, and a point where commas are decimal no number at all."""
        column = batch.column(name)
        if self.dialect.decimal == "." or self._columns[name].type != "number":
            return column
        return pc.replace_substring(pc.replace_substring(column, ".", "?"), ",", ".")

    def _batches(self, stream: BinaryIO | io.RawIOBase, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
        if not self._has_rows or not self._wanted:
            return iter(())
        reader: Iterator[pa.RecordBatch] = pv.open_csv(
            stream,
            read_options=pv.ReadOptions(use_threads=False, block_size=self._limits.line_bytes),
            parse_options=pv.ParseOptions(
                delimiter=self.dialect.delimiter,
                quote_char=self.dialect.quote,
                newlines_in_values=True,
                invalid_row_handler=self._note_ragged,
            ),
            convert_options=pv.ConvertOptions(
                include_columns=self._wanted,
                column_types=types,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
        )
        return reader

    def _note_ragged(self, row: pv.InvalidRow) -> str:
        self.ragged.append(RaggedRow((row.number or 1) - 1, row.actual_columns))
        return "skip"


def _joined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    """Small batches as one; their dictionaries become one, too."""
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    return pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], table.column_names)


class _HexWatch(io.RawIOBase):
    """The same bytes; ``seen`` says whether 0x was among those read so far."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._last = b""
        self.seen = False

    def readable(self) -> bool:
        """True: it can be read, once, from front to back."""
        return True

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        block = self._stream.read(size)
        start = (self._last + block[:1]).lower()
        self.seen = self.seen or b"0x" in block or b"0X" in block or start == b"0x"
        self._last = block[-1:]
        return block


def _advice(message: str) -> str:
    if "straddling object" in message:
        return "a row is longer than is read at once; is a quote left open?"
    return f"{message[:300]}. Write it again"
