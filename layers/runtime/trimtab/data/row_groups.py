"""Where the row groups of a Parquet file lie, so that a part of them can be fetched and read alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from trimtab.data.parquet_file import ParquetFile
from trimtab.data.parquet_source import MAGIC
from trimtab.data.source import UNREADABLE

MOST_FOOTER_BYTES: Final = 64 * 1024 * 1024
TAIL_BYTES: Final = 8
"""Length of the footer, and the mark."""

Span = tuple[int, int]
"""First byte, and the first byte after."""


@dataclass(frozen=True)
class Sparse:
    """A file of which only some bytes are there; what is missing takes no room."""

    path: Path
    size: int

    def fill(self, source: BinaryIO, spans: tuple[Span, ...], block: int = 8 * 1024 * 1024) -> None:
        """The spans hold what they hold in ``source``."""
        with self.path.open("wb") as target:
            target.truncate(self.size)
            for start, end in spans:
                source.seek(start)
                target.seek(start)
                while start < end and (data := source.read(min(block, end - start))):
                    target.write(data)
                    start += len(data)


def footer_span(source: BinaryIO, size: int) -> Span | None:
    """Where the footer lies; None for what is no Parquet file, or whose footer is larger than is read."""
    source.seek(max(size - TAIL_BYTES, 0))
    tail = source.read(TAIL_BYTES)
    length = int.from_bytes(tail[:4], "little") + TAIL_BYTES
    if tail[4:] != MAGIC or length > min(size, MOST_FOOTER_BYTES):
        return None
    return size - length, size


def group_spans(path: Path) -> list[Span]:
    """For each row group of a file, whose footer at least is there, the span of its columns.

    A footer may claim what it likes; nothing outside the file is returned. None that can be read: an empty list.
    """
    try:
        footer = ParquetFile(str(path)).footer
        if not footer.num_columns:
            return []
        return [_span(footer.row_group(group), path.stat().st_size) for group in range(footer.num_row_groups)]
    except UNREADABLE:
        return []


def _span(group: Any, size: int) -> Span:
    starts, ends = zip(*_chunks(group), strict=True)
    return min(max(min(starts), 0), size), max(min(max(ends), size), 0)


def _chunks(group: Any) -> Iterator[Span]:
    for place in range(group.num_columns):
        column = group.column(place)
        pages = [column.data_page_offset]
        if column.has_dictionary_page and column.dictionary_page_offset is not None:
            pages.append(column.dictionary_page_offset)
        yield min(pages), min(pages) + column.total_compressed_size
