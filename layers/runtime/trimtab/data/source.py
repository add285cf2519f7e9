"""What every reader offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from trimtab.data.reading import Reading
from trimtab.errors import DataError

UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)
"""What pyarrow raises for bytes that it cannot make sense of."""


class StoppedError(DataError):
    """Raised when the bytes end before the file does. How many rows came before is chance: Arrow reads ahead."""


@dataclass(frozen=True)
class Chunk:
    """Some consecutive rows; a column is an Arrow array, or a list of what JSON had. Row 1 is the file's first."""

    first_row: int
    rows: int
    columns: Mapping[str, pa.Array | list[Any]]


@dataclass(frozen=True)
class RaggedRow:
    """A row of a CSV file with more or fewer cells than its header."""

    row: int
    cells: int


class Source(Protocol):
    """A file being read once, from front to back."""

    is_text: bool
    """Whether the format has only text, which is then read as the contract's types."""
    row_groups: Sequence[int]
    """Rows of each row group of a Parquet file; empty for other formats."""

    @property
    def reading(self) -> Reading:
        """How the file is written. Complete once the chunks are read."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Names of all columns in the file, in its order, repetitions included. Complete once the chunks are read."""
        ...

    @property
    def ragged(self) -> Sequence[RaggedRow]:
        """The rows that could not be cut into cells; they are in no chunk and chunks do not number them."""
        ...

    def chunks(self) -> Iterator[Chunk]:
        """The rows, with those of the wanted columns that the file has exactly once. Raises DataError."""
        ...


def check_column_count(count: int, limit: int) -> None:
    """Raises DataError when a file has more columns than are read."""
    if count > limit:
        raise DataError(
            f"the file has {count:,} columns and at most {limit:,} are read: drop only the contract's columns",
            rule="limits",
        )
