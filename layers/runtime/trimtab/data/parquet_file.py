"""Parquet as the gate reads it: by the reader that `pyarrow.parquet` itself is made of.

Importing that module costs 16 ms of CPU for file systems, partitions and writers, none of which a drop needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import pyarrow as pa
from pyarrow import _parquet  # what pyarrow.parquet itself calls; the pinned version has it

Footer: TypeAlias = _parquet.FileMetaData


class ParquetFile:
    """A file whose footer is read; of its columns those named ``coded`` come as dictionaries."""

    def __init__(self, source: Any, footer: Footer | None = None, coded: Sequence[str] = ()) -> None:
        """Raises what pyarrow raises when ``source`` (a path or a stream) is no Parquet file."""
        self._reader = _parquet.ParquetReader()
        self._reader.open(
            source,
            use_memory_map=False,
            metadata=footer,
            read_dictionary=list(coded) or None,
            pre_buffer=True,
            page_checksum_verification=True,
        )
        self.footer: Footer = self._reader.metadata
        self.schema: pa.Schema = self._reader.schema_arrow

    def batches(self, rows: int, groups: Sequence[int], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Batches of at most so many rows of some row groups, decoded on this thread."""
        places = [place for name in columns for place in self.places(name)]
        yield from self._reader.iter_batches(rows, row_groups=groups, column_indices=places, use_threads=False)

    def places(self, name: str) -> list[int]:
        """The file's own columns that make a column up: several when it is nested."""
        return [place for place, path in enumerate(self._paths) if path == name or path.startswith(f"{name}.")]

    @cached_property
    def _paths(self) -> list[str]:
        return [self.footer.schema.column(place).path for place in range(self.footer.num_columns)]
