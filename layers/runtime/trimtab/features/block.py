"""Columns on their way through the steps of one rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Columns = Mapping[str, Any]
"""Arrays of one length by name, as ``Contract.arrays`` makes them: float64, int64, bool, datetime64[us] or object."""


@dataclass(frozen=True)
class Block:
    """Columns of one length: as they came, or as one matrix of numbers once a step has computed something."""

    names: tuple[str, ...]
    raw: tuple[NDArray[Any], ...] = ()
    matrix: Floats | None = None
    """Shape (rows, columns), NaN where a value is missing."""
    finished: tuple["Block", ...] = field(default=())
    """Columns that later steps leave alone, for example indicators of what was missing."""

    @classmethod
    def of(cls, columns: Columns, names: Sequence[str]) -> "Block":
        """The named columns as they came."""
        return cls(tuple(names), tuple(np.asarray(columns[name]) for name in names))

    def numbers(self) -> Floats:
        """The columns as one matrix; what is missing is NaN, true is 1."""
        if self.matrix is not None:
            return self.matrix
        rows = len(self.raw[0])
        made = np.empty((rows, len(self.raw)), dtype=np.float64)
        for place, column in enumerate(self.raw):
            made[:, place] = column
        return made

    def levels(self) -> list[list[Any]]:
        """Each column as plain Python values; what is missing is None."""
        if self.matrix is not None:
            return [_plain(self.matrix[:, place]) for place in range(len(self.names))]
        return [_plain(column) for column in self.raw]

    def with_numbers(self, matrix: Floats, names: Sequence[str] | None = None) -> "Block":
        """The same block after a step that computed ``matrix``; names are kept when none are given."""
        return replace(self, names=self.names if names is None else tuple(names), raw=(), matrix=matrix)

    def with_finished(self, other: "Block") -> "Block":
        return replace(self, finished=(*self.finished, other))

    @property
    def rows(self) -> int:
        return len(self.raw[0] if self.matrix is None else self.matrix)


def _plain(column: NDArray[Any]) -> list[Any]:
    values = column.tolist()
    return values if column.dtype.kind in "biu" else [value if value == value else None for value in values]
