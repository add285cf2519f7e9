"""Two models on the same rows: the tests that each kind of problem has for that. Pure; p-values are two-sided.

All take rows as independent, but for Diebold and Mariano's, which allows for errors that are alike in time.
"""

import math
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats

Found = dict[str, float | int]
NORMAL = NormalDist()


def delong(label: NDArray[Any], score: NDArray[Any], other: NDArray[Any], confidence: float = 0.95) -> Found | None:
    """The difference of two AUCs on the same rows, its interval and the test that it is none; None without a class.

    DeLong, DeLong and Clarke-Pearson (1988) by the midranks of Sun and Xu (2014): O(n log n). ``label`` holds 0 and 1;
    all have shape (n,). Two models with the same ranking have p = 1.
    """
    positive = np.asarray(label) == 1
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits or not misses or not (np.isfinite(score).all() and np.isfinite(other).all()):
        return None
    placements = [_placements(positive, np.asarray(each, dtype=np.float64)) for each in (score, other)]
    above, below = (placements[0][side] - placements[1][side] for side in (0, 1))
    difference = float(above.mean())
    variance = _variance(above) / hits + _variance(below) / misses
    return {"difference": difference, **_normal_test(difference, math.sqrt(variance), confidence)}


def _placements(positive: NDArray[np.bool_], score: Floats) -> tuple[Floats, Floats]:
    """For each positive the share of negatives below it, for each negative the share of positives above it."""
    hits, misses = score[positive], score[~positive]
    every = midranks(score)
    below = (every[positive] - midranks(hits)) / len(misses)
    above = 1 - (every[~positive] - midranks(misses)) / len(hits)
    return below, above


def midranks(values: NDArray[Any]) -> Floats:
    """Ranks from 1, equal values sharing the mean of theirs; shape (n,)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[starts, len(ranked)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def mcnemar(right: NDArray[np.bool_], other_right: NDArray[np.bool_]) -> Found:
    """Whether two models are right equally often: ``b`` rows only the first has right, ``c`` only the other.

    ``p`` is exact (binomial), ``mid_p`` the mid-p value, less conservative (Fagerland, Lydersen and Laake 2013).
    Both have shape (n,).
    """
    b, c = int((right & ~other_right).sum()), int((~right & other_right).sum())
    n, least = b + c, min(b, c)
    steps = np.arange(1, least + 1)
    log_chances = np.cumsum(np.r_[-n * math.log(2), np.log((n - steps + 1) / steps)])
    chances = np.exp(log_chances)
    p = min(1.0, 2 * float(chances.sum()))
    mid = 2 * float(chances.sum()) - float(chances[-1]) if b != c else 1 - float(chances[-1]) / 2
    return {"b": b, "c": c, "p": p, "mid_p": mid}


def diebold_mariano(
    loss: NDArray[Any], other_loss: NDArray[Any], *, lags: int | None = None, confidence: float = 0.95
) -> Found | None:
    """Whether two forecasts lose equally much: mean loss difference, its interval and the test; None below 8 rows.

    Losses of the same rows in order of time, shape (n,). Diebold and Mariano (1995) with Bartlett-weighted
    autocovariances over ``lags``: 1.3 sqrt(n) when absent, as Lazarus, Lewis, Stock and Watson (2018) advise, and the
    standard error widened for so many by Kiefer and Vogelsang's (2005) critical value at 5 %. 0 takes rows as
    independent, a paired test of means by the normal distribution: with 8 to 30 rows p is a little small.
    """
    apart = np.asarray(loss, dtype=np.float64) - np.asarray(other_loss, dtype=np.float64)
    n = len(apart)
    if n < 8 or not np.isfinite(apart).all():
        return None
    lags = min(n // 4, math.ceil(1.3 * math.sqrt(n))) if lags is None else lags
    difference, centred = float(apart.mean()), apart - apart.mean()
    variance = float(centred @ centred)
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag])
    error = math.sqrt(max(0.0, variance)) / n * _widening(lags / n)
    return {"difference": difference, "lags": lags, **_normal_test(difference, error, confidence)}


def _widening(share: float) -> float:
    """How much wider the interval is when the lags are a ``share`` of the rows; 1 for none."""
    return (1.96 + 2.9694 * share + 0.416 * share**2 - 0.5324 * share**3) / 1.96


def _normal_test(difference: float, error: float, confidence: float) -> Found:
    """Statistic, p and interval of a difference with a standard error."""
    reach = NORMAL.inv_cdf((1 + confidence) / 2) * error
    if error > 0:
        statistic = difference / error
        p = math.erfc(abs(statistic) / math.sqrt(2))
    else:
        statistic, p = 0.0, 1.0 if difference == 0 else 0.0
    return {"statistic": statistic, "p": p, "lo": difference - reach, "hi": difference + reach}


def _variance(values: Floats) -> float:
    """0 for a single value."""
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0
