"""The hold-out cut along declared columns, so that a model that fails a part is seen to."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats, measure

MIN_ROWS = 100
"""Smaller slices are left out: their figures would be noise."""
MAX_LEVELS = 20
QUARTILES = (0.25, 0.5, 0.75)


def measure_slices(columns: dict[str, NDArray[Any]], label: NDArray[Any], scores: NDArray[Any]) -> list[dict[str, Any]]:
    """Metrics of each slice with enough rows, named ``column=value``, in the order of the columns."""
    found = []
    for name, column in columns.items():
        for value, members in cut(column):
            if members.sum() >= MIN_ROWS:
                metrics = measure(label[members], scores[members])
                found.append({"name": f"{name}={value}", "n": int(members.sum()), "metrics": metrics})
    return found


def cut(column: NDArray[Any]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Disjoint parts of a column: its values when they are few, quartiles of a number that has many."""
    missing = np.array([value is None or value != value for value in column], dtype=bool)
    if missing.any():
        yield "missing", missing
    known = column[~missing]
    if known.dtype.kind in "iuf" and len(np.unique(known)) > MAX_LEVELS:
        yield from _quartiles(column.astype(np.float64), missing)
    else:
        levels, counts = np.unique(known.astype(str), return_counts=True)
        text = np.where(missing, "", column.astype(str))
        for level in levels[np.argsort(-counts, kind="stable")][:MAX_LEVELS]:
            yield str(level), (text == level) & ~missing


def _quartiles(column: Floats, missing: NDArray[np.bool_]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    edges = np.unique([-np.inf, *np.quantile(column[~missing], QUARTILES), np.inf])
    for low, high in itertools.pairwise(edges):
        yield f"({low:g}, {high:g}]", (column > low) & (column <= high) & ~missing
