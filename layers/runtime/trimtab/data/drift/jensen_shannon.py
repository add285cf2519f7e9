"""Jensen-Shannon distance."""

import math
from collections.abc import Sequence

import numpy as np

from trimtab.data.sketch import Floats, Integers


def jensen_shannon(reference: Sequence[int] | Integers, current: Sequence[int] | Integers) -> float:
    """Jensen-Shannon distance of two tallies over the same bins.

    The square root of the Jensen-Shannon divergence with logarithms to base 2 (Lin 1991; Endres and Schindelin 2003):
    a metric, so unlike PSI it needs no floor and obeys the triangle inequality.

    Shapes: two sequences of as many counts as there are bins. Unit: none; range: 0 (same shares) to 1 (disjoint).
    Empty input on either side: NaN. A constant column gives 0 on itself and 1 against another constant. NaN values
    have been counted in the bin of the missing before they come here.
    """
    if not sum(reference) or not sum(current):
        return math.nan
    p, q = _shares(reference), _shares(current)
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def _shares(counts: Sequence[int] | Integers) -> Floats:
    numbers = np.asarray(counts, dtype=np.float64)
    shares: Floats = numbers / numbers.sum()
    return shares


def _relative_entropy(shares: Floats, middle: Floats) -> float:
    occupied = shares > 0
    return float(np.sum(shares[occupied] * np.log2(shares[occupied] / middle[occupied])))
