"""Intervals and paired comparisons by the bootstrap.

Rows are drawn with replacement within each class (stratified), and every model is measured on the same draws, so
that the difference of two models has the interval of a paired comparison. Percentile intervals: Efron and
Tibshirani (1993), chapters 8 and 13.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.directions import METRIC_NAMES
from trimtab.evaluation.metrics import Floats, Scored, Weights

METHOD = "stratified percentile"
CELLS = 250_000
"""Weights held at once."""
DRAWN_AT_ONCE = 32_768


@dataclass(frozen=True)
class Estimate:
    """A value measured on the rows, with an interval of the stated confidence."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True)
class Resampled:
    """Metrics of several models on the same rows and the same draws."""

    points: dict[str, dict[str, float]]
    draws: dict[str, dict[str, Floats]]
    confidence: float

    def interval(self, model: str, metric: str) -> Estimate:
        return self._estimate(self.points[model][metric], self.draws[model][metric])

    def difference(self, model: str, other: str, metric: str) -> Estimate:
        """``model`` less ``other``."""
        value = self.points[model][metric] - self.points[other][metric]
        return self._estimate(value, self.draws[model][metric] - self.draws[other][metric])

    def _estimate(self, value: float, draws: Floats) -> Estimate:
        tail = (1 - self.confidence) / 2
        lo, hi = np.quantile(draws, (tail, 1 - tail)) if np.isfinite(draws).all() else (np.nan, np.nan)
        return Estimate(float(value), float(lo), float(hi))


def resample(
    label: NDArray[Any], scores: Mapping[str, NDArray[Any]], *, rounds: int, confidence: float, seed: int
) -> Resampled:
    """Each model in ``scores`` (shape (n,) each) measured on the rows as they are and on ``rounds`` draws of them.

    The same arguments give the same result. With a class missing, AUC and its interval are NaN.
    """
    ranked = {name: Scored.of(label, score) for name, score in scores.items()}
    ones = np.ones((1, len(label)))
    points = {name: {m: float(v[0]) for m, v in rows.measure(ones).items()} for name, rows in ranked.items()}
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in ranked}
    for weights in draw_weights(np.asarray(label), rounds, np.random.default_rng(seed)):
        for name, rows in ranked.items():
            parts[name].append(rows.measure(weights))
    draws = {name: {m: np.concatenate([p[m] for p in found]) for m in METRIC_NAMES} for name, found in parts.items()}
    return Resampled(points, draws, confidence)


def draw_weights(label: NDArray[Any], rounds: int, generator: np.random.Generator) -> Iterator[Weights]:
    """How often each row is drawn, shape (up to ``rounds``, n) a time; each class keeps its number of rows."""
    strata = [np.flatnonzero(label == value) for value in np.unique(label)]
    step = max(1, CELLS // max(1, len(label)))
    for start in range(0, rounds, step):
        weights = np.zeros((min(step, rounds - start), len(label)), dtype=np.uint8)
        for row in weights:
            for members in strata:
                row[members] = counts(len(members), generator)
        yield weights


def counts(n: int, generator: np.random.Generator) -> NDArray[np.uint8]:
    """How often each of ``n`` rows comes up in ``n`` draws with replacement, shape (n,).

    Many rows are drawn block by block, after how many draws fall into each block has been drawn: the distribution is
    the same, and each block stays in the processor's cache. A count above 255 has a probability below 1e-500.
    """
    starts = range(0, n, DRAWN_AT_ONCE)
    sizes = [min(DRAWN_AT_ONCE, n - start) for start in starts]
    shares = generator.multinomial(n, np.array(sizes) / n) if len(sizes) > 1 else sizes
    parts = [
        np.bincount(generator.integers(0, size, share), minlength=size)
        for size, share in zip(sizes, shares, strict=True)
    ]
    return np.concatenate(parts).astype(np.uint8)
