"""Columns cut into parts: the values of few-valued ones, quartiles of numbers, and two columns crossed."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

MAX_LEVELS: Final = 20
QUARTILES: Final = (0.25, 0.5, 0.75)
MISSING: Final = "missing"
NONE: Final = -1
Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Cut:
    """A column's disjoint parts."""

    columns: tuple[str, ...]
    codes: Codes
    """Position of each row's part in ``names``; NONE for a row that is in none of them. Shape (n,)."""
    names: tuple[str, ...]

    def members(self, part: int) -> NDArray[np.intp]:
        """Rows of one part, ascending."""
        return np.flatnonzero(self.codes == part)

    def of_rows(self, rows: NDArray[np.intp]) -> "Cut":
        return Cut(self.columns, self.codes[rows], self.names)


def cut(name: str, column: pa.ChunkedArray) -> Cut:
    """The values of a column when they are few, the twenty commonest of many, quartiles of a number that has many.

    What is missing (null or NaN) is a part of its own. Parts are named ``column=value``.
    """
    column = _nulls_for_nan(column)
    number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    if number and pc.count_distinct(column).as_py() > MAX_LEVELS:
        codes, labels = _quartiles(column)
    else:
        codes, labels = _levels(column)
    if column.null_count:
        codes[np.asarray(column.is_null().to_numpy())] = len(labels)
        labels.append(MISSING)
    return Cut((name,), codes, tuple(f"{name}={label}" for label in labels))


def cross(one: Cut, other: Cut) -> Cut:
    """Every part of one column with every part of another."""
    codes = np.where((one.codes < 0) | (other.codes < 0), NONE, one.codes * len(other.names) + other.codes)
    names = tuple(f"{a} & {b}" for a, b in itertools.product(one.names, other.names))
    return Cut(one.columns + other.columns, codes.astype(np.int32), names)


def crossed(cuts: list[Cut]) -> Iterator[Cut]:
    """Each cut by itself, then each two of them crossed."""
    yield from cuts
    for one, other in itertools.combinations(cuts, 2):
        yield cross(one, other)


def _nulls_for_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _levels(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    """The commonest values first; equally common ones by their text."""
    encoded = column.combine_chunks().dictionary_encode()
    values: list[Any] = encoded.dictionary.to_pylist()
    places = np.asarray(pc.fill_null(encoded.indices, NONE).to_numpy(zero_copy_only=False))
    counts = np.bincount(places[places >= 0], minlength=len(values))
    kept = sorted(range(len(values)), key=lambda place: (-counts[place], str(values[place])))[:MAX_LEVELS]
    rank = np.full(len(values) + 1, NONE, dtype=np.int32)
    rank[kept] = np.arange(len(kept))
    return rank[places], [str(values[place]) for place in kept]


def _quartiles(column: pa.ChunkedArray) -> tuple[Codes, list[str]]:
    numbers = np.asarray(column.to_numpy(), dtype=np.float64)
    known = np.isfinite(numbers)
    edges = np.unique([-np.inf, *np.quantile(numbers[known], QUARTILES), np.inf])
    codes = np.where(known, np.searchsorted(edges[1:-1], numbers, side="left"), NONE).astype(np.int32)
    return codes, [f"({low:g}, {high:g}]" for low, high in itertools.pairwise(edges)]
