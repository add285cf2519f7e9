"""Columns as a matrix for the linear baselines: numbers standardised, the commonest levels of text apart."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats

MAX_LEVELS = 20
"""Levels of a text column that get a column of their own; all others share none."""
ROWS_AT_ONCE = 50_000
Column = NDArray[Any]
Columns = Mapping[str, Column]


@dataclass(frozen=True)
class Design:
    """What a training set has taught of its columns: their order, means, scales and levels."""

    encoders: dict[str, Callable[[Column], Floats]]

    @classmethod
    def of(cls, columns: Columns) -> "Design":
        """Columns of numbers, booleans and text, shape (n,) each; missing values are NaN or None."""
        return cls({name: _encoder(columns[name]) for name in sorted(columns)})

    def matrix(self, columns: Columns, n: int) -> Floats:
        """Shape (n, width), its first column 1. What is missing is the mean; an unseen level is none of the known."""
        parts = [encode(columns[name]) for name, encode in self.encoders.items()]
        return np.column_stack([np.ones(n), *parts])

    def blocks(self, columns: Columns, n: int) -> Iterator[Floats]:
        """The matrix of ``n`` rows, some rows a time."""
        for start in range(0, n, ROWS_AT_ONCE):
            part = slice(start, min(n, start + ROWS_AT_ONCE))
            yield self.matrix({name: columns[name][part] for name in self.encoders}, part.stop - start)


@dataclass(frozen=True)
class _Number:
    """Standardised, with the mean in place of a missing value."""

    mean: float
    scale: float

    def __call__(self, column: Column) -> Floats:
        scaled = (column.astype(np.float64) - self.mean) / self.scale
        return np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0)[:, None]


@dataclass(frozen=True)
class _Levels:
    """One column of 0 and 1 for each level."""

    levels: tuple[Any, ...]

    def __call__(self, column: Column) -> Floats:
        shown = np.empty((len(column), len(self.levels)))
        for place, level in enumerate(self.levels):
            shown[:, place] = column == level
        return shown


def _encoder(column: Column) -> Callable[[Column], Floats]:
    if column.dtype.kind in "biuf":
        numbers = column.astype(np.float64)
        seen = numbers[np.isfinite(numbers)]
        return _Number(float(seen.mean()), float(seen.std()) or 1.0) if len(seen) else _Number(0.0, 1.0)
    known = [value for value in column.tolist() if value is not None and value == value]
    counted: dict[Any, int] = {}
    for value in known:
        counted[value] = counted.get(value, 0) + 1
    return _Levels(tuple(sorted(counted, key=lambda value: (-counted[value], str(value)))[:MAX_LEVELS]))
