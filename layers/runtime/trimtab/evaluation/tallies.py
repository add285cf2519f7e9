"""Many rows, drawn by the group: what each group adds is counted once, and a draw is a product of matrices.

With a hundred thousand rows and more, drawing each row for each round takes minutes. Rows are put into groups instead
(units of time, or a thousand and more random groups within a class: ``draws.py``), whose contributions to sums are
exact. Ranks are taken from at most BINS bins of equally many rows; what a draw's value differs from the value of the
rows as they are is added to the exact value, so that only the width of an interval sees the bins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 2_048
BINS_AT_ONCE: Final = 128
MANY_ROWS: Final = 100_000
"""Rows from which on groups are drawn in place of rows."""
Floats = NDArray[np.float64]
Groups = NDArray[np.intp]
"""Position of each row's group, shape (n,)."""


def sums_by_group(sums: Floats, group: Groups, groups: int) -> Floats:
    """What each group's rows add to the sums (shape (n, sums)), shape (groups, sums)."""
    return np.column_stack([np.bincount(group, column, minlength=groups) for column in sums.T])


@dataclass(frozen=True)
class Bins:
    """Rows in an order, cut into runs of about equally many; equal values stay together."""

    place: NDArray[np.int16]
    """Bin of each row, ascending along the order; shape (n,)."""
    count: int

    @classmethod
    def of(cls, starts: NDArray[np.intp], n: int) -> "Bins":
        """Of ``n`` ordered rows; ``starts`` are the first rows of groups of equal values."""
        aims = np.searchsorted(starts, np.arange(1, BINS) * (n / BINS))
        cuts = np.unique(starts[aims[aims < len(starts)]])
        cuts = cuts[cuts > 0]
        marks = np.zeros(n, dtype=np.int16)
        marks[cuts] = 1
        return cls(np.cumsum(marks, dtype=np.int16), len(cuts) + 1)

    def counts(self, weight: NDArray[Any] | None, group: Groups, groups: int) -> Iterator[NDArray[np.float32]]:
        """Rows (or their ``weight``) by group and bin, some bins a time: shape (groups, bins)."""
        edges = np.searchsorted(self.place, np.arange(self.count + 1))
        for first in range(0, self.count, BINS_AT_ONCE):
            width = min(BINS_AT_ONCE, self.count - first)
            rows = slice(int(edges[first]), int(edges[first + width]))
            cells = group[rows] * width + (self.place[rows] - first)
            counted = np.bincount(cells, None if weight is None else weight[rows], minlength=groups * width)
            yield counted.reshape(groups, width).astype(np.float32)
