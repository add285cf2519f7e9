"""Parquet, by record batches; text stays in the file's dictionaries where it has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.arrow_stream import ArrowStream
from trimtab.data.batch import is_text
from trimtab.data.hashing import text_buffers
from trimtab.data.limits import Limits
from trimtab.data.parquet_file import Footer, ParquetFile
from trimtab.data.reading import Reading
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, check_column_count
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column

MAGIC = b"PAR1"
BATCH_CELLS: Final = 1 << 21
"""Cells of a batch, about: 16 MB of numbers, whatever the number of columns."""
_LENGTH_BYTES: Final = 4
"""What Parquet writes before every text that is not in a dictionary."""


class ParquetSource:
    """A Parquet file of flat columns, or row groups of one that follow each other, counted from 1."""

    is_text = False
    ragged: Sequence[RaggedRow] = ()
    reading = Reading("parquet")

    def __init__(
        self, stream: BinaryIO, columns: dict[str, Column], limits: Limits, groups: Sequence[int] | None = None
    ) -> None:
        try:
            file = ArrowStream(stream)
            plain = ParquetFile(file)
            self.names: Sequence[str] = plain.schema.names
            check_column_count(len(self.names), limits.columns)
            self._wanted = [name for name in columns if self.names.count(name) == 1]
            self.row_groups: Sequence[int] = _group_rows(plain.footer)
            self._groups = list(range(len(self.row_groups)) if groups is None else groups)
            coded = _coded_texts(plain, self._wanted)
            self._file = ParquetFile(file, plain.footer, coded) if coded else plain
        except UNREADABLE as error:
            raise DataError(f"the file is not readable as Parquet: {_reason(stream, error)}") from error
        self._cell_bytes = limits.line_bytes
        _check_chunks(plain, self._wanted, limits)
        self._batch_rows = max(min(limits.batch_rows, BATCH_CELLS // max(len(self._wanted), 1)), 1)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in batches, decoded on this thread. Raises DataError naming the row after which decoding failed."""
        before = sum(self.row_groups[: self._groups[0]]) if self._groups else 0
        promised = before + sum(self.row_groups[group] for group in self._groups)
        if len(self.row_groups) - 1 in self._groups or not self.row_groups:
            promised = self._file.footer.num_rows
        rows = before
        try:
            for batch in self._batches():
                columns = {name: _without_views(batch.column(name)) for name in self._wanted}
                _check_cells(columns, rows, self._cell_bytes)
                yield Chunk(rows - before + 1, batch.num_rows, columns)
                rows += batch.num_rows
        except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
            raise
        except UNREADABLE as error:
            raise DataError(f"the Parquet file is damaged after row {rows:,}: {error}. Write it again") from error
        if rows != promised:
            raise DataError(f"the Parquet footer promises {promised:,} rows and {rows:,} are there")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for groups in _runs(self._groups, self.row_groups, self._batch_rows):
            yield from self._file.batches(self._batch_rows, groups, self._wanted)


def _runs(groups: Sequence[int], group_rows: Sequence[int], least: int) -> Iterator[list[int]]:
    """Row groups that are read together: what Arrow reads of them it keeps until the last of their rows."""
    run, rows = list[int](), 0
    for group in groups:
        run.append(group)
        rows += group_rows[group]
        if rows >= least:
            yield run
            run, rows = [], 0
    if run:
        yield run


def _group_rows(footer: Footer) -> list[int]:
    return [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]


def _coded_texts(file: ParquetFile, names: Sequence[str]) -> list[str]:
    """Columns of text that the file keeps in dictionaries, which are then decoded once per distinct value.

    To read one that is mostly plain (an identifier) into a dictionary would cost more than it saves. A plain text takes
    at least the four bytes of its length, so a column of fewer bytes a row must be coded.
    """
    taken: dict[str, int] = {}
    for name, chunk in _text_chunks(file, names):
        taken[name] = taken.get(name, 0) + chunk.total_uncompressed_size
    return [name for name, size in taken.items() if size < _LENGTH_BYTES * file.footer.num_rows]


def _check_chunks(file: ParquetFile, names: Sequence[str], limits: Limits) -> None:
    """Raises DataError when few texts take much of a row group: so much is not even decoded."""
    for name, chunk in _text_chunks(file, names):
        size = chunk.total_uncompressed_size
        if size > limits.chunk_bytes and size > limits.long_text_bytes * chunk.num_values:
            raise DataError(
                f"{chunk.num_values:,} values of '{name}' in one row group take {size:,} bytes: texts this long are "
                f"read from row groups of at most {limits.chunk_bytes:,} bytes a column. Write smaller row groups",
                rule="limits",
            )


def _text_chunks(file: ParquetFile, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """What the footer says of every row group's part of each column of text."""
    texts = [(name, file.places(name)) for name in names if is_text(file.schema.field(name).type)]
    for group in range(file.footer.num_row_groups):
        found = file.footer.row_group(group)
        for name, places in texts:
            yield from ((name, found.column(place)) for place in places)


def _without_views(column: pa.Array) -> pa.Array:
    """The column, whose texts stand in one buffer: few of Arrow's functions know views of texts."""
    return af.cast(column, pa.large_string()) if pa.types.is_string_view(column.type) else column


def _check_cells(columns: Mapping[str, pa.Array], rows: int, limit: int) -> None:
    """Raises DataError when a text after ``rows`` rows is longer than is read."""
    for name, column in columns.items():
        texts = column.dictionary if pa.types.is_dictionary(column.type) else column
        if is_text(texts.type) and _is_any_longer(texts, limit):
            raise DataError(f"'{name}' has a text of more than {limit:,} bytes after row {rows:,}", rule="limits")


def _is_any_longer(texts: pa.Array, limit: int) -> bool:
    """Whether a text has more bytes than the limit; a batch of fewer bytes than that has none."""
    offsets, _ = text_buffers(texts)
    return bool(offsets[-1] - offsets[0] > limit and np.diff(offsets).max() > limit)


def _reason(stream: BinaryIO, error: Exception) -> str:
    size = stream.seek(0, 2)
    stream.seek(max(size - len(MAGIC), 0))
    if stream.read(len(MAGIC)) == MAGIC:
        return f"{error}. Write it again"
    return (
        f"its last 4 bytes (of {size:,}) are not the mark PAR1, so it is truncated or another format. Upload it again"
    )
