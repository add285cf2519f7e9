"""Pearson's chi-square test of two tallies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trimtab.data.sketch import Floats, Integers

LEAST_EXPECTED = 5.0
"""Rows that a bin must expect on either side to stand alone (Cochran 1954)."""
_STEPS = 500
_PRECISION = 1e-15


@dataclass(frozen=True)
class ChiSquare:
    """Outcome of the test. ``cramers_v`` is the effect, 0 to 1, whatever the number of rows."""

    statistic: float
    degrees: int
    p_value: float
    cramers_v: float


def chi_square(reference: Sequence[int] | Integers, current: Sequence[int] | Integers) -> ChiSquare:
    """Whether two tallies over the same bins can come from one distribution (Pearson 1900, test of homogeneity).

    Bins that expect fewer than five rows on either side are taken together with their neighbours, so that rare levels
    raise no alarm and a short sample is compared in fewer, wider bins.

    Shapes: two sequences of as many counts as there are bins. Units: none; statistic from 0, p-value 0 to 1 (below
    about 1e-300 it is 0), Cramér's V (Cramér 1946) 0 to 1. Empty input on either side, or one bin only: nothing can be
    told, so statistic 0, no degree of freedom, p-value 1. NaN values have been counted in the bin of the missing.
    Rows are taken as independent: rows that repeat one another make the evidence look stronger than it is.
    """
    table = _pooled(np.asarray([reference, current], dtype=np.float64))
    degrees = table.shape[1] - 1
    if degrees < 1:
        return ChiSquare(0.0, 0, 1.0, 0.0)
    expected = _expected(table)
    statistic = float(np.sum((table - expected) ** 2 / expected))
    return ChiSquare(
        statistic, degrees, upper_gamma(degrees / 2, statistic / 2), min(math.sqrt(statistic / table.sum()), 1.0)
    )


def _expected(table: Floats) -> Floats:
    expected: Floats = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return expected


def _pooled(table: Floats) -> Floats:
    """Neighbouring bins taken together until each group expects enough rows; what is left over joins the last group."""
    if not table.sum(axis=1).all():
        return np.zeros((2, 0))
    expected = _expected(table).min(axis=0)
    starts, held = [0], 0.0
    for place, rows in enumerate(expected.tolist()):
        if held >= LEAST_EXPECTED:
            starts.append(place)
            held = 0.0
        held += rows
    if held < LEAST_EXPECTED and len(starts) > 1:
        starts.pop()
    return np.asarray(np.add.reduceat(table, starts, axis=1))


def upper_gamma(shape: float, x: float) -> float:
    """Regularised upper incomplete gamma function Q(shape, x), for shape > 0 and x >= 0; the tail of a chi-square.

    By its series below shape + 1, by Lentz's continued fraction above (Press and others 1992, section 6.2).
    """
    if x <= 0:
        return 1.0
    scale = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        return 1.0 - _series(shape, x) * scale
    return min(_fraction(shape, x) * scale, 1.0)


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for step in range(1, _STEPS):
        term *= x / (shape + step)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _fraction(shape: float, x: float) -> float:
    b = x + 1.0 - shape
    c, d = 1e300, 1.0 / b
    value = d
    for step in range(1, _STEPS):
        a = -step * (step - shape)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return value
