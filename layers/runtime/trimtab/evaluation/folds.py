"""The hold-out cut in time, so that a model that fades within it is seen to."""

import numpy as np
from numpy.typing import NDArray

MIN_ROWS = 100
"""Smaller folds would be noise: there are fewer of them then."""


def time_folds(times: NDArray[np.datetime64] | None, count: int) -> list[NDArray[np.intp]]:
    """Rows of at most ``count`` parts that follow each other in time, about equally large; none without times.

    Rows of one instant stay together. ``times`` has shape (n,), in any order.
    """
    if times is None:
        return []
    count = min(count, len(times) // MIN_ROWS)
    if count < 2:
        return []
    order = np.argsort(times, kind="stable")
    ranked = times[order]
    aims = ranked[np.arange(1, count) * len(ranked) // count]
    cuts = np.unique(np.searchsorted(ranked, aims, side="left"))
    return [np.sort(part) for part in np.split(order, cuts) if len(part)]
