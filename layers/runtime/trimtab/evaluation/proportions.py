"""Intervals of proportions and of how two of them differ. Needs only Python itself; rows count as independent."""

import math
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True)
class Share:
    """``hits`` of ``n`` rows."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        """Between 0 and 1; NaN without rows."""
        return self.hits / self.n if self.n else math.nan


Bounds = tuple[float, float]


def z_of(confidence: float) -> float:
    """Two-sided standard normal quantile."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def bonferroni(confidence: float, looks: int) -> float:
    """Confidence of each of ``looks`` intervals that together hold with at least ``confidence``."""
    return 1 - (1 - confidence) / max(looks, 1)


def wilson(share: Share, confidence: float) -> Bounds:
    """Wilson's score interval (1927) of a proportion; (0, 1) without rows."""
    if not share.n:
        return 0.0, 1.0
    z, n, p = z_of(confidence), share.n, share.value
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(one: Share, other: Share, confidence: float) -> tuple[float, float, float]:
    """``one`` less ``other`` with Newcombe's hybrid score interval (1998, method 10); NaN without rows."""
    if not one.n or not other.n:
        return math.nan, math.nan, math.nan
    p, q = one.value, other.value
    (low, high), (floor, ceiling) = wilson(one, confidence), wilson(other, confidence)
    below = math.sqrt((p - low) ** 2 + (ceiling - q) ** 2)
    above = math.sqrt((high - p) ** 2 + (q - floor) ** 2)
    return p - q, p - q - below, p - q + above


def ratio(one: Share, other: Share, confidence: float) -> tuple[float, float, float]:
    """``one`` over ``other`` with the adjusted log interval (Walter 1975: half a hit more on either side).

    The value is NaN without rows or when ``other`` has no hit; the interval then still stands.
    """
    if not one.n or not other.n:
        return math.nan, math.nan, math.nan
    hits, n, base, m = one.hits + 0.5, one.n + 0.5, other.hits + 0.5, other.n + 0.5
    middle = math.log(hits / n) - math.log(base / m)
    half = z_of(confidence) * math.sqrt(1 / hits - 1 / n + 1 / base - 1 / m)
    value = one.value / other.value if other.hits else math.nan
    return value, math.exp(middle - half), math.exp(middle + half)
