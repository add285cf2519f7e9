"""Population stability index with what chance adds to it and how far chance moves it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.data.drift.psi import psi
from trimtab.data.drift.shares import FLOOR
from trimtab.data.sketch import Floats, Integers


@dataclass(frozen=True)
class Estimate:
    """A value without what chance alone adds to it on average, and its standard error; both in nats."""

    value: float
    error: float


def psi_estimate(reference: Sequence[int] | Integers, current: Sequence[int] | Integers) -> Estimate | None:
    """PSI of two tallies over the same bins, less its bias, and its standard error; None without rows on either side.

    Two samples of one distribution have a PSI of about c times chi-square with B - 1 degrees of freedom, c = 1/n + 1/m
    (Yurdakul and Naranjo 2020), n and m being their rows and B the bins that either fills: on average above 0, and the
    more the fewer the rows. The bias is the second-order term of its expansion, (B - 1)c where nothing moved, and at
    most twice that, as the expansion fails in bins that one side leaves empty. The variance is the delta method's,
    less the 2(B - 1)c^2 by which chance exaggerates it, and at least those, which is all where nothing moved. Shares
    are taken half a row off 0, and a share at PSI's floor does not move.

    The value may be slightly below 0 where nothing moved. Rows are taken as independent: of rows that come in clumps,
    as an hour's weather on a hundred flights, the error is too small; with two or three rows in a bin that the other
    side fills, by a third. Where a side leaves common bins empty it is too large.
    """
    plain = psi(reference, current)
    if math.isnan(plain):
        return None
    counts = np.asarray([reference, current], dtype=np.float64)
    counts = counts[:, counts.sum(axis=0) > 0]
    n, m = map(float, counts.sum(axis=1))
    before, after = _shares(counts[0]), _shares(counts[1])
    degrees, each = counts.shape[1] - 1, 1 / n + 1 / m
    bias = _bias(before, after, n) + _bias(after, before, m)
    least = 2 * degrees * each**2
    variance = _variance(before, after, n) + _variance(after, before, m) - least
    return Estimate(plain - min(bias, 2 * degrees * each), math.sqrt(max(variance, least)))


def _shares(counts: Floats) -> Floats:
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))


def _bias(mine: Floats, other: Floats, rows: float) -> float:
    """What the sampling of ``mine`` adds: half the second derivative times the variance of each share."""
    return float(np.sum((mine > FLOOR) * (1 - mine) * (1 + other / mine))) / (2 * rows)


def _variance(mine: Floats, other: Floats, rows: float) -> float:
    """What the sampling of ``mine`` does to the variance: its gradient's, over a multinomial."""
    slope = np.where(mine > FLOOR, np.log(mine / other) + 1 - other / mine, 0.0)
    mean = float(np.sum(mine * slope))
    return max(float(np.sum(mine * slope**2)) - mean**2, 0.0) / rows
