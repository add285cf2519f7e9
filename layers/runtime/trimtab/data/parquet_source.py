"""Parquet, by record batches; text stays in the file's dictionaries."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.data.limits import Limits
from trimtab.data.source import UNREADABLE, Chunk, RaggedRow, check_column_count
from trimtab.errors import DataError
from trimtab.spec import Column

MAGIC = b"PAR1"


class ParquetSource:
    """A Parquet file of flat columns."""

    is_text = False
    ragged: Sequence[RaggedRow] = ()

    def __init__(self, stream: BinaryIO, columns: dict[str, Column], limits: Limits) -> None:
        self._limits = limits
        try:
            plain = pq.ParquetFile(stream)
            self.names: Sequence[str] = plain.schema_arrow.names
            check_column_count(len(self.names), limits.columns)
            self._wanted = [name for name in columns if self.names.count(name) == 1]
            texts = _texts(plain.schema_arrow, self._wanted)
            self._file = pq.ParquetFile(stream, metadata=plain.metadata, read_dictionary=texts) if texts else plain
        except UNREADABLE as error:
            raise DataError(f"the file is not readable as Parquet: {_reason(stream, error)}") from error

    def chunks(self) -> Iterator[Chunk]:
        """The rows in batches, decoded on this thread. Raises DataError naming the row after which decoding failed."""
        rows = 0
        try:
            for batch in self._batches():
                yield Chunk(rows + 1, batch.num_rows, {name: batch.column(name) for name in self._wanted})
                rows += batch.num_rows
        except MemoryError:  # Arrow's is an ArrowException too, and says nothing about the file
            raise
        except UNREADABLE as error:
            raise DataError(f"the Parquet file is damaged after row {rows:,}: {error}. Write it again") from error
        if rows != self._file.metadata.num_rows:
            raise DataError(f"the Parquet footer promises {self._file.metadata.num_rows:,} rows and {rows:,} are there")

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches: Iterator[pa.RecordBatch] = self._file.iter_batches(
            self._limits.batch_rows, columns=self._wanted, use_threads=False
        )
        return batches


def _texts(schema: pa.Schema, names: Sequence[str]) -> list[str]:
    """Columns of text, which are decoded once per distinct value."""
    return [name for name in names if schema.field(name).type in (pa.string(), pa.large_string())]


def _reason(stream: BinaryIO, error: Exception) -> str:
    size = stream.seek(0, 2)
    stream.seek(max(size - len(MAGIC), 0))
    if stream.read(len(MAGIC)) == MAGIC:
        return f"{error}. Write it again"
    return (
        f"its last 4 bytes (of {size:,}) are not the mark PAR1, so it is truncated or another format. Upload it again"
    )
