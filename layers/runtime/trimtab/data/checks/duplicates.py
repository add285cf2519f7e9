"""Rows that are equal in every column but the id.

A row is known by a 128-bit hash of its cells: two different rows count as equal with a probability of 2**-128 a pair,
or 2**-88 among a million rows. Columns that a file lacks are missing in all its rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data.checks.check import HasColumn
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.state_file import Tree
from trimtab.data.violation import SHOWN, Severity, Violation

Lanes = npt.NDArray[np.uint64]
"""Shape (2, rows): two independent halves of a hash."""

_STEPS = np.array([[0x9E3779B97F4A7C15], [0xD6E8FEB86659FD93]], np.uint64)
_MISSING = np.array([[0x5851F42D4C957F2D], [0x14057B7EF767814F]], np.uint64)
_HALF = np.uint64(32)


class DuplicateCheck:
    """Keeps 16 bytes a row. Rows of one drop that repeat an earlier one are found."""

    columns: tuple[str, ...] = ()
    """It takes whatever columns there are."""

    def __init__(self, cells: tuple[str, ...], severity: Severity) -> None:
        self._cells = cells
        self._severity = severity
        self._hashes: list[Lanes] = []
        self._rows: list[Rows] = []

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """No row is broken by itself."""
        cells = {name: held.column for name, held in columns.items()}
        rows = len(next(iter(cells.values()), ()))
        hashes = np.zeros((2, rows), np.uint64)
        for name in self._cells:
            hashes = _mixed(hashes, _cell_lanes(cells[name]) if name in cells else _MISSING)
        self._hashes.append(hashes)
        self._rows.append(np.arange(first_row, first_row + rows))
        return NO_ROWS

    def merge(self, other: DuplicateCheck, rows_before: int) -> None:
        """The other's rows too."""
        self._hashes += other._hashes
        self._rows += [rows_before + rows for rows in other._rows]

    def state(self) -> Tree:
        """Hash and number of every row."""
        return {"hashes": self._hashes, "rows": self._rows}

    def take(self, state: Tree) -> None:
        """Only those rows."""
        self._hashes, self._rows = list(state["hashes"]), list(state["rows"])

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """One, when any row stands twice."""
        again = self._repeated()
        if len(again):
            message = f"{len(again):,} rows repeat an earlier row in every column but the id"
            first = tuple(again[:SHOWN].tolist())
            yield Violation("duplicate_rows", None, message, self._severity, len(again), 0, len(again), first)

    def _repeated(self) -> Rows:
        if not self._hashes:
            return NO_ROWS
        first, second = np.concatenate(self._hashes, axis=1)
        rows = np.concatenate(self._rows)
        order = np.lexsort((rows, second, first))
        same = (first[order][1:] == first[order][:-1]) & (second[order][1:] == second[order][:-1])
        return np.sort(rows[order[1:][same]])


def _mixed(hashes: Lanes, cells: Lanes) -> Lanes:
    """The hash so far with one more cell of every row: multiply-xorshift on each half with a multiplier of its own."""
    mixed = (hashes ^ cells) * _STEPS
    mixed ^= mixed >> _HALF
    mixed *= _STEPS
    return mixed ^ (mixed >> _HALF)


def _cell_lanes(column: pa.Array) -> Lanes:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.dictionary_encode()
    lanes = _text_lanes(column) if pa.types.is_dictionary(column.type) else _number_lanes(column)
    missing = column.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, _MISSING, lanes)


def _text_lanes(column: pa.DictionaryArray) -> Lanes:
    from hashlib import blake2b

    digests = [blake2b((text or "").encode(), digest_size=16).digest() for text in column.dictionary.to_pylist()]
    levels = np.frombuffer(b"".join(digests) or bytes(16), np.uint64).reshape(-1, 2).T
    return levels[:, column.indices.fill_null(0).to_numpy(zero_copy_only=False)]


def _number_lanes(column: pa.Array) -> Lanes:
    plain = column if pa.types.is_floating(column.type) else column.cast(pa.int64())
    numbers = plain.fill_null(0).to_numpy(zero_copy_only=False) + 0  # so that -0.0 is 0.0
    return np.ascontiguousarray(numbers).view(np.uint64) * _STEPS
