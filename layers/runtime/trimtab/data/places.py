"""Where a row of a drop stands: file, row in the file, row group."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from trimtab.data.violation import Violation


@dataclass(frozen=True)
class FileRows:
    """The rows of one file."""

    name: str
    rows: int
    """Rows that were cut into cells and numbered on, from 1."""
    ragged: tuple[int, ...] = ()
    """Rows that were not, in the file's own numbering, rising."""
    row_groups: tuple[int, ...] = ()
    """Rows of each row group of a Parquet file."""

    def place(self, row: int) -> int:
        """The file's own number of a numbered row."""
        before = [ragged - skipped for skipped, ragged in enumerate(self.ragged)]
        return row + bisect_right(before, row)

    def group(self, row: int) -> int:
        """The row group of a row, from 0."""
        return bisect_left(list(accumulate(self.row_groups)), row)


def located(violations: Sequence[Violation], files: Sequence[FileRows]) -> list[Violation]:
    """The violations with each row's file and number there, in place of its number among all rows of the drop.

    So does the message for the row that it names, as the first, before " has " or at its end.
    """
    ends = list(accumulate(file.rows for file in files))
    return [_located(found, files, ends) if found.rows and not found.files else found for found in violations]


def _located(found: Violation, files: Sequence[FileRows], ends: Sequence[int]) -> Violation:
    places = [(files[bisect_left(ends, row)], row) for row in found.rows]
    starts = dict(zip((file.name for file in files), (0, *ends), strict=False))
    own = [(file, row - starts[file.name]) for file, row in places]
    rows = tuple(file.place(row) for file, row in own)
    first = f"row {rows[0]:,}" + (f" of {own[0][0].name}" if len(files) > 1 else "")
    return replace(
        found,
        message=re.sub(rf"\brow {found.rows[0]:,}(?= has |$)", lambda _: first, found.message, count=1),
        rows=rows,
        files=tuple(file.name for file, _ in own) if len(files) > 1 else (),
        row_groups=tuple(file.group(row) for file, row in own) if all(file.row_groups for file, _ in own) else (),
    )
