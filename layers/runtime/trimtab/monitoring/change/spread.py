"""How far a reading may lie from the truth: chance within its window, and what differs from window to window."""

from collections.abc import Sequence
from itertools import pairwise
from math import hypot, sqrt
from statistics import NormalDist, fmean, median

from trimtab.monitoring.change.series import Reading

_CERTAINTY = 0.8
"""With which the variance between windows is no larger than what is taken for it."""


def with_known_errors(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Readings without a standard error get the middle one of the others'; none when no reading has one.

    A model that gives everybody the same score has readings without chance: they count for no less than the others.
    """
    known = [reading.error for reading in readings if reading.error > 0]
    if not known:
        return ()
    usual = median(known)
    return tuple(Reading(each.at, each.value, each.error or usual) for each in readings)


def with_spread(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Readings whose errors also hold what differs between neighbouring windows beyond sampling.

    The variance between neighbours (von Neumann's mean successive difference, which a lasting change hardly moves) is
    known from few pairs at first: its upper bound less what sampling explains is added to every reading's. Days differ
    though nothing has changed.
    """
    if len(readings) < 2:
        return tuple(readings)
    sampling = fmean(each.error**2 for each in readings)
    extra = sqrt(max(0.0, _variance_between(readings) - sampling))
    return tuple(Reading(each.at, each.value, hypot(each.error, extra)) for each in readings)


def _variance_between(readings: Sequence[Reading]) -> float:
    """Upper bound of a reading's variance; n - 1 successive differences are worth two thirds as many free ones."""
    pairs = [(later.value - earlier.value) ** 2 / 2 for earlier, later in pairwise(readings)]
    degrees = 2 / 3 * len(pairs)
    return fmean(pairs) * degrees / _chi_square(1 - _CERTAINTY, degrees)


def _chi_square(share: float, degrees: float) -> float:
    """Quantile of the chi-square distribution (Wilson and Hilferty 1931; within 1 per cent from two degrees on)."""
    part = 2 / (9 * degrees)
    return float(degrees * max(1e-3, 1 - part + NormalDist().inv_cdf(share) * sqrt(part)) ** 3)
