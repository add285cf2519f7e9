"""Population stability index."""

import math
from collections.abc import Sequence

import numpy as np

from trimtab.data.drift.shares import floored_shares
from trimtab.data.sketch import Integers


def psi(reference: Sequence[int] | Integers, current: Sequence[int] | Integers) -> float:
    """Population stability index of two tallies over the same bins.

    Sum over bins of (q - p) ln(q / p), p and q being the shares of reference and current, floored at 1e-4: the
    symmetrised Kullback-Leibler divergence (Jeffreys 1946), used as an index in credit scoring (Siddiqi 2006, who
    calls 0.1 a small and 0.25 a large shift).

    Shapes: two sequences of as many counts as there are bins. Unit: nats; range: 0 to about 18.4 with this floor.
    Empty input on either side: NaN (nothing was measured). A constant column has one occupied bin and gives 0 on
    itself. NaN values have been counted in the bin of the missing before they come here.
    """
    if not sum(reference) or not sum(current):
        return math.nan
    expected, actual = floored_shares(reference), floored_shares(current)
    return float(np.sum((actual - expected) * np.log(actual / expected)))
