"""Kolmogorov-Smirnov statistic."""

import math

import numpy as np

from trimtab.data.drift.distributions import distribution_gaps
from trimtab.data.sketch import ValueSketch

_TERMS = 100


def kolmogorov_smirnov(reference: ValueSketch, current: ValueSketch) -> float:
    """Two-sample Kolmogorov-Smirnov statistic: the largest distance between the two empirical distributions.

    Smirnov (1939). Exact while both sketches are exact; otherwise both are read on the coarser grid and the result is
    too small by at most the largest share of rows in one cell.

    Shapes: two sketches of any sizes. Unit: none; range: 0 to 1. Fewer than two numbers on either side: NaN. A
    constant column gives 0 on itself and 1 against another constant. Missing and infinite values are left out.
    """
    if reference.total < 2 or current.total < 2:
        return math.nan
    return float(np.max(distribution_gaps(reference, current)[1]))


def kolmogorov_p_value(statistic: float, reference_rows: int, current_rows: int) -> float:
    """Probability of so large a statistic from two samples of one continuous distribution.

    Kolmogorov's limit with Stephens' (1970) correction for size, good to two digits from 20 rows on; too large (so on
    the safe side) when values repeat. Range: 0 to 1; NaN for a statistic of NaN.
    """
    if math.isnan(statistic):
        return math.nan
    root = math.sqrt(reference_rows * current_rows / (reference_rows + current_rows))
    scaled = (root + 0.12 + 0.11 / root) * statistic
    if scaled < 0.2:
        return 1.0
    terms = ((1.0 if term % 2 else -1.0) * math.exp(-2 * (term * scaled) ** 2) for term in range(1, _TERMS))
    return min(max(2.0 * math.fsum(terms), 0.0), 1.0)
