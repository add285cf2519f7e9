"""How answers change along one feature, all others as they are: partial dependence with the spread of single rows.

Friedman (2001), "Greedy function approximation"; the band is that of individual conditional expectation, Goldstein et
al. (2015), "Peeking inside the black box".
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from trimtab.evaluation.metrics import Floats

GRID = 10
BAND = (0.1, 0.9)
Record = dict[str, Any]


def grid(values: Sequence[Any]) -> list[Any]:
    """At most GRID values that stand for a column: quantiles of numbers, the commonest texts; none without values."""
    known = [value for value in values if value is not None]
    if not known:
        return []
    if isinstance(known[0], str | bool):
        levels, counts = np.unique(np.array(known, dtype=object).astype(str), return_counts=True)
        frequent = levels[np.argsort(-counts, kind="stable")][:GRID]
        named = {str(value): value for value in known}
        return [named[level] for level in frequent]
    ordered = sorted(known)
    places = np.linspace(0, len(ordered) - 1, GRID).astype(int)
    return list(dict.fromkeys(ordered[place] for place in places))


def requests(records: Sequence[Record], feature: str, values: Sequence[Any]) -> Iterator[list[Record]]:
    """The rows to score: for each value all records with it in place of their own."""
    for value in values:
        yield [record | {feature: value} for record in records]


def curve(scores: Floats, points: int) -> dict[str, list[float]]:
    """Mean answer at each point of the grid, and the band of four rows in five; ``scores`` has shape (steps,)."""
    table = scores.reshape(points, -1)
    low, high = np.quantile(table, BAND, axis=1)
    return {"mean": table.mean(axis=1).tolist(), "lo": low.tolist(), "hi": high.tolist()}
