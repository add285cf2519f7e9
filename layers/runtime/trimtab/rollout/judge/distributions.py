"""Two samples' distributions compared, at a few sizes fixed in advance."""

import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist, correlation, fmean
from typing import Final

SIZES: Final = tuple(50 * 2**doubling for doubling in range(8))
"""Numbers of pairs at which samples are tested: 50 to 6400. The chance of an error is shared among them."""
LEAST_RECORDS: Final = 30
_DKW: Final = 2.16863
"""Constant of the two-sample Dvoretzky-Kiefer-Wolfowitz inequality for samples of equal size (Wei and Dudley 2012)."""


def distance(new: Sequence[float], old: Sequence[float]) -> float:
    """Kolmogorov-Smirnov: the largest difference of both empirical distribution functions, 0 to 1.

    What is no number is left out; 0 when either side has none.
    """
    a, b = (sorted(value for value in sample if not math.isnan(value)) for sample in (new, old))
    if not a or not b:
        return 0.0
    i, j, found = 0, 0, 0.0
    while i < len(a) and j < len(b):
        value = min(a[i], b[j])
        while i < len(a) and a[i] == value:
            i += 1
        while j < len(b) and b[j] == value:
            j += 1
        found = max(found, abs(i / len(a) - j / len(b)))
    return found


def p_of_distance(found: float, pairs: int) -> float:
    """Bound of the chance of such a distance or more between equal sources: independent samples of ``pairs`` each."""
    return min(1.0, _DKW * math.exp(-pairs * found * found))


def margin(pairs: int, alpha: float) -> float:
    """Distance that equal sources exceed with a chance of at most ``alpha``."""
    return math.sqrt(math.log(_DKW / alpha) / pairs) if pairs else 1.0


def best_p(new: Sequence[float], old: Sequence[float]) -> float:
    """The smallest p-value over all sizes reached, corrected for their number: whatever was proven stays proven."""
    sizes = [size for size in SIZES if size <= min(len(new), len(old))]
    found = (p_of_distance(distance(new[:size], old[:size]), size) for size in sizes)
    return min(1.0, len(SIZES) * min(found, default=1.0))


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's, -1 to 1, with ties at their mean rank; 1 when all are equal, else 0 when either side is constant."""
    if all(first == second for first, second in pairs):
        return 1.0
    ranked = [list(_ranks([pair[side] for pair in pairs])) for side in (0, 1)]
    if any(len(set(ranks)) < 2 for ranks in ranked):
        return 0.0
    return correlation(*ranked)


def correlation_interval(found: float, count: int, alpha: float) -> tuple[float, float]:
    """Of a rank correlation, two-sided (Fisher's z with Fieller's variance, 1957); needs 4 records or more."""
    half = NormalDist().inv_cdf(1 - alpha / 2) * math.sqrt(1.06 / (count - 3))
    middle = math.atanh(max(-0.999999, min(0.999999, found)))
    return math.tanh(middle - half), math.tanh(middle + half)


def _ranks(values: Sequence[float]) -> Iterator[float]:
    order = sorted(values)
    places: dict[float, list[int]] = {}
    for place, value in enumerate(order):
        places.setdefault(value, []).append(place)
    yield from (fmean((places[value][0], places[value][-1])) for value in values)
