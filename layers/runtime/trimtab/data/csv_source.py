"""CSV, by record batches of text. Only an unquoted empty cell is missing here; typed columns know more such texts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv

from trimtab.column_types import ColumnType
from trimtab.data import arrow_functions as af
from trimtab.data.dialect import read_header
from trimtab.data.limits import Limits
from trimtab.data.reading import UNDECLARED, Declared, Reading
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, StoppedError, check_column_count
from trimtab.data.streams import HEADER_BYTES, Text
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, TextOptions

Types = dict[str, pa.DataType]

_TEXT: Final = pa.string()
_CATEGORY: Final = pa.dictionary(pa.int32(), pa.string())
"""Text that repeats is read into a dictionary."""
_INTEGER: Final = pa.int64()
_TRIED: Final[dict[str, tuple[pa.DataType, ...]]] = {
    ColumnType.INTEGER: (_INTEGER,),
    ColumnType.NUMBER: (pa.float64(),),
    ColumnType.BOOLEAN: (pa.bool_(),),
    ColumnType.TIMESTAMP: (pa.timestamp("us"), pa.timestamp("us", "UTC")),
}
"""What the cells of a column are tried to be read as, in this order; where no type fits all, they stay text."""
_CHUNK_ROWS: Final = 24_576
"""Rows that are looked at together; more cost memory, fewer time."""
_SURPRISES: Final = 4
"""So often a file is read anew because a column is not of its type; at the last, the whole file is taken as text."""
_SURPRISE: Final = re.compile(r"In CSV column #(\d+)")


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
        self._limits, self._columns, self._declared = limits, columns, declared
        self.ragged: list[RaggedRow] = []
        self._text = Text(stream, limits, declared.encoding)
        self._stream = self._text.open()
        self._head = self._stream.peek(HEADER_BYTES)
        header = read_header(self._head.decode(errors="ignore"), columns, declared)  # its end may cut a character
        self.names, self.dialect = header.names, header.dialect
        self._has_rows = len(self._head.strip().splitlines()) > 1
        check_column_count(len(self.names), limits.columns)
        self._wanted = [name for name in columns if self.names.count(name) == 1]

    @property
    def reading(self) -> Reading:
        """How the file is written, as far as it was read."""
        form = self._text.form
        found = (*form.findings(self._declared.encoding), *self.dialect.findings(self._declared))
        return Reading("csv", form, self.dialect, found)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in blocks of columns. Raises DataError naming the row after which parsing failed.

        A column comes in its contract's type as long as Arrow reads its every cell so, at a third of the cost; where
        it does not, the column comes as text from then on, and each cell is looked at by itself.
        """
        types, rows, surprises = self._types(), 0, 0
        while True:
            try:
                for chunk in self._chunks(types, rows):
                    rows += chunk.rows
                    yield chunk
            except DataError as error:  # what the stream raised in one of Arrow's threads
                raise StoppedError(str(error), rule=error.rule) from error
            except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
                raise
            except UNREADABLE as error:
                if set(types.values()) <= {_TEXT}:
                    self._text.check()
                    raise DataError(
                        f"the CSV file cannot be parsed after row {rows:,}: {_advice(str(error))}"
                    ) from error
                surprises += 1
                types |= dict.fromkeys(self._surprising(types, error) if surprises < _SURPRISES else types, _TEXT)
                self.ragged.clear()
                self._stream = self._text.open()
            else:
                return

    def _chunks(self, types: Types, skipped: int) -> Iterator[Chunk]:
        """The rows after the first ``skipped`` ones."""
        seen, held = skipped, 0
        parts: list[pa.RecordBatch] = []
        try:
            for batch in _after(skipped, self._watched(types)):
                parts.append(batch)
                held += batch.num_rows
                if held >= min(_CHUNK_ROWS, self._limits.batch_rows):
                    yield self._chunk(seen, parts)
                    seen, held, parts = seen + held, 0, []
        except pa.ArrowInvalid:
            if parts:
                yield self._chunk(seen, parts)
            raise
        if parts:
            yield self._chunk(seen, parts)

    def _chunk(self, seen: int, parts: Sequence[pa.RecordBatch]) -> Chunk:
        whole = _joined(parts)
        return Chunk(seen + 1, whole.num_rows, {name: self._column(whole, name) for name in self._wanted})

    def _watched(self, types: Types) -> Iterator[pa.RecordBatch]:
        """The batches. Raises _HexadecimalError where 0x10 might be read as 16."""
        has_integers = _INTEGER in types.values()
        watched = _HexWatch(self._stream)
        for batch in self._batches(watched if has_integers else self._stream, types, self._limits.line_bytes):
            if watched.seen:
                raise _HexadecimalError
            yield batch

    def _types(self) -> Types:
        """What each column is read as at first: the first type that fits its cells in the head of the file."""
        types = {name: _tried(self._columns[name])[0] for name in self._wanted}
        if self.dialect.decimal != ".":  # on which Arrow does not insist
            types |= {name: _TEXT for name in self._wanted if self._columns[name].type == "number"}
        try:
            head = next(self._batches(io.BytesIO(self._head), dict.fromkeys(types, _TEXT), HEADER_BYTES // 4), None)
        except pa.ArrowInvalid:
            head = None
        self.ragged.clear()
        if head is None:
            return types
        return {name: held if held == _TEXT else self._fitting(name, head.column(name)) for name, held in types.items()}

    def _fitting(self, name: str, texts: pa.Array) -> pa.DataType:
        return next((tried for tried in _tried(self._columns[name]) if _reads(texts, tried)), _TEXT)

    def _surprising(self, types: Types, error: Exception) -> Iterable[str]:
        """The columns that an error is about; all of them when it does not say."""
        if isinstance(error, _HexadecimalError):
            return [name for name, held in types.items() if held == _INTEGER]
        found = _SURPRISE.search(str(error))
        return types if found is None else [self.names[int(found[1])]]

    def _column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """The column; a decimal comma is a point, and a point where commas are decimal no number at all."""
        column = batch.column(name)
        if self.dialect.decimal == "." or self._columns[name].type != "number":
            return column
        return af.replace_substring(af.replace_substring(column, ".", "?"), ",", ".")

    def _batches(self, stream: BinaryIO | io.RawIOBase, types: Types, block_bytes: int) -> Iterator[pa.RecordBatch]:
        if not self._has_rows or not self._wanted:
            return iter(())
        reader: Iterator[pa.RecordBatch] = pv.open_csv(
            stream,
            read_options=pv.ReadOptions(use_threads=False, block_size=block_bytes),
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


def _tried(column: Column) -> tuple[pa.DataType, ...]:
    if column.type != ColumnType.STRING:
        return _TRIED[column.type]
    return (_TEXT if column.unique else _CATEGORY,)


def _reads(texts: pa.Array, held: pa.DataType) -> bool:
    """Whether Arrow reads all the texts as of that type."""
    if held == _CATEGORY:
        return True
    try:
        af.cast(texts, held)
    except pa.ArrowInvalid:
        return False
    return True


def _after(skipped: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The rows after the first ``skipped`` ones."""
    for batch in batches:
        rest = batch.slice(skipped) if skipped else batch
        skipped = max(skipped - batch.num_rows, 0)
        if rest.num_rows:
            yield rest


def _joined(parts: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Small batches as one; their dictionaries become one, too."""
    table = pa.Table.from_batches(parts).unify_dictionaries().combine_chunks()
    return pa.RecordBatch.from_arrays([column.chunk(0) for column in table.columns], table.column_names)


class _HexadecimalError(pa.ArrowInvalid):  # type: ignore[misc]
    """Raised when there may be hexadecimal integers, which Arrow would read."""


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
        self.seen = self.seen or self._last + block[:1] in (b"0x", b"0X") or _has_hexadecimal(block)
        self._last = block[-1:]
        return block


def _has_hexadecimal(block: bytes) -> bool:
    """Whether 0x stands in the block; zeros are common in data, so that it is the x that is looked for."""
    places = [np.flatnonzero(np.frombuffer(block, np.uint8) == ord(x)) for x in "xX" if x.encode() in block]
    return any((np.frombuffer(block, np.uint8)[found[found > 0] - 1] == ord("0")).any() for found in places)


def _advice(message: str) -> str:
    if "straddling object" in message:
        return "a row is longer than is read at once; is a quote left open?"
    return f"{message[:300]}. Write it again"
