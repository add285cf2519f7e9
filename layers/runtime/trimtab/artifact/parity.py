"""How far two answers of one model lie apart."""

from typing import Any

import numpy as np


def largest_difference(first: Any, second: Any) -> float:
    """Between two arrays of scores of one shape, relative to those in ``second`` that are larger than 1.

    Infinite where one has a NaN and the other has none.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if (np.isnan(first) != np.isnan(second)).any():
        return float("inf")
    gaps = np.abs(first - second) / np.maximum(1.0, np.abs(second))
    return float(np.nanmax(gaps)) if gaps.size and not np.isnan(gaps).all() else 0.0
