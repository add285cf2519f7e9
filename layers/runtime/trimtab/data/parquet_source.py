"""Parquet, by record batches; text stays in the file's dictionaries where it has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.data import arrow_functions as af
from trimtab.data.arrow_stream import ArrowStream
from trimtab.data.batch import is_text
from trimtab.data.hashing import text_buffers
from trimtab.data.limits import Limits
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
            plain = pq.ParquetFile(file, page_checksum_verification=True)
            self.names: Sequence[str] = plain.schema_arrow.names
            check_column_count(len(self.names), limits.columns)
            self._wanted = [name for name in columns if self.names.count(name) == 1]
            self.row_groups: Sequence[int] = _group_rows(plain.metadata)
            self._groups = list(range(len(self.row_groups)) if groups is None else groups)
            coded = _coded_texts(plain, self._wanted)
            self._file = plain
            if coded:
                self._file = pq.ParquetFile(
                    file, metadata=plain.metadata, read_dictionary=coded, page_checksum_verification=True
                )
        except UNREADABLE as error:
            raise DataError(f"the file is not readable as Parquet: {_reason(stream, error)}") from error
        self._cell_bytes = limits.line_bytes
        self._batch_rows = max(min(limits.batch_rows, BATCH_CELLS // max(len(self._wanted), 1)), 1)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in batches, decoded on this thread. Raises DataError naming the row after which decoding failed."""
        before = sum(self.row_groups[: self._groups[0]]) if self._groups else 0
        promised = before + sum(self.row_groups[group] for group in self._groups)
        if len(self.row_groups) - 1 in self._groups or not self.row_groups:
            promised = self._file.metadata.num_rows
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
            yield from self._file.iter_batches(
                self._batch_rows, row_groups=groups, columns=self._wanted, use_threads=False
            )


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


def _group_rows(footer: pq.FileMetaData) -> list[int]:
    return [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]


def _coded_texts(file: pq.ParquetFile, names: Sequence[str]) -> list[str]:
    """Columns of text that the file keeps in dictionaries, which are then decoded once per distinct value.

    To read one that is mostly plain (an identifier) into a dictionary would cost more than it saves. A plain text takes
    at least the four bytes of its length, so a column of fewer bytes a row must be coded.
    """
    schema, footer = file.schema_arrow, file.metadata
    texts = {name for name in names if is_text(schema.field(name).type)}
    taken = dict.fromkeys(texts, 0)
    for group in range(footer.num_row_groups):
        for place in range(footer.num_columns):
            chunk = footer.row_group(group).column(place)
            if chunk.path_in_schema in texts:
                taken[chunk.path_in_schema] += chunk.total_uncompressed_size
    return [name for name, size in taken.items() if size < _LENGTH_BYTES * footer.num_rows]


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
