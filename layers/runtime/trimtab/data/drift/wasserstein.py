"""Wasserstein distance."""

import math

import numpy as np

from trimtab.data.drift.distributions import distribution_gaps
from trimtab.data.sketch import ValueSketch


def wasserstein(reference: ValueSketch, current: ValueSketch) -> float:
    """First Wasserstein distance: how far, on average, a number has to move to turn one distribution into the other.

    Vaserstein (1969); in one dimension the area between the two distribution functions (Vallender 1974). Exact while
    both sketches are exact; otherwise every number is taken for the lowest of its cell on the coarser grid.

    Shapes: two sketches of any sizes. Unit: the column's; range: 0 to the width of both samples together. No numbers on
    either side: NaN. Constant columns: the distance between the constants. Missing and infinite values are left out.
    It grows with the unit and with far outliers: compare it with `reference_spread`, not between columns.
    """
    if not reference.total or not current.total:
        return math.nan
    values, gaps = distribution_gaps(reference, current)
    return float(np.sum(gaps[:-1] * np.diff(values)))


def reference_spread(reference: ValueSketch) -> float:
    """Interquartile range of the reference, else the range of its middle 98 %, else 1: a unit to divide by."""
    low, first, third, high = reference.quantiles(np.array([0.01, 0.25, 0.75, 0.99])) if reference.total else [0.0] * 4
    return float(next((width for width in (third - first, high - low) if width > 0), 1.0))
