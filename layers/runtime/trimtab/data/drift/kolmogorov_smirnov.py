"""Kolmogorov-Smirnov statistic."""

import math

import numpy as np

from trimtab.data.sketch import ValueSketch


def kolmogorov_smirnov(reference: ValueSketch, current: ValueSketch) -> float:
    """Two-sample Kolmogorov-Smirnov statistic: the largest distance between the two empirical distributions.

    Smirnov (1939). Exact while both sketches are exact; otherwise both are read on the coarser grid and the result is
    too small by at most the largest share of rows in one cell.

    Shapes: two sketches of any sizes. Unit: none; range: 0 to 1. Fewer than two numbers on either side: NaN. A
    constant column gives 0 on itself and 1 against another constant. Missing and infinite values are left out.
    """
    if reference.total < 2 or current.total < 2:
        return math.nan
    shift = max(reference.shift, current.shift)
    left, right = reference.at_shift(shift), current.at_shift(shift)
    keys = np.union1d(left.keys, right.keys)
    return float(np.max(np.abs(_distribution(left, keys) - _distribution(right, keys))))


def _distribution(sketch: ValueSketch, keys: np.ndarray) -> np.ndarray:
    cumulated = np.concatenate([[0], np.cumsum(sketch.counts)])
    return cumulated[np.searchsorted(sketch.keys, keys, side="right")] / sketch.total
