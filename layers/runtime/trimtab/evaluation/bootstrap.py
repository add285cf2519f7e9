"""Intervals and paired comparisons by the bootstrap.

Every model is measured on the same draws of rows, so that the difference of two models has the interval of a paired
comparison. Percentile intervals: Efron and Tibshirani (1993), chapters 8 and 13.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from trimtab.evaluation.draws import Draws
from trimtab.evaluation.kinds import Weighable
from trimtab.evaluation.metrics import Floats, Weights

WORKERS = 2
"""Models of many rows that are measured at the same time; numpy works outside Python's lock."""
MANY_ROWS = 100_000
LEAST_KNOWN = 0.95
"""Share of the draws that must have a value for an interval."""


@dataclass(frozen=True)
class Estimate:
    """A value measured on the rows, with an interval of the stated confidence; NaN where undefined."""

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
        return self.estimate(self.points[model][metric], self.draws[model][metric])

    def difference(self, model: str, other: str, metric: str) -> Estimate:
        """``model`` less ``other``."""
        value = self.points[model][metric] - self.points[other][metric]
        return self.estimate(value, self.draws[model][metric] - self.draws[other][metric])

    def estimate(self, value: float, draws: Floats) -> Estimate:
        """``value`` with the percentile interval of its draws.

        A draw in which the metric is undefined, a class missing for example, is left out when there are few of them.
        """
        tail = (1 - self.confidence) / 2
        known = draws[np.isfinite(draws)]
        enough = len(known) > 0 and len(known) >= LEAST_KNOWN * len(draws)
        lo, hi = np.quantile(known, (tail, 1 - tail)) if enough else (np.nan, np.nan)
        return Estimate(float(value), float(lo), float(hi))


def resample(
    models: Mapping[str, Weighable], draws: Draws, *, rounds: int, confidence: float, seed: int, n: int
) -> Resampled:
    """Each model measured on its ``n`` rows as they are and on ``rounds`` draws of them.

    The same arguments give the same result. A metric that is undefined in many draws has no interval.
    """
    ones = np.ones((1, n))
    points = {name: {m: float(v[0]) for m, v in rows.measure(ones).items()} for name, rows in models.items()}
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in models}
    with ThreadPoolExecutor(WORKERS) as pool:
        for weights in draws.weights(rounds, np.random.default_rng(seed)) if n else ():
            side_by_side = pool.map if n >= MANY_ROWS else map
            measured: Iterable[dict[str, Floats]] = side_by_side(partial(_measure, weights), models.values())
            for name, found in zip(models, measured, strict=True):
                parts[name].append(found)
    return Resampled(points, {name: _joined(found, points[name]) for name, found in parts.items()}, confidence)


def _measure(weights: Weights, rows: Weighable) -> dict[str, Floats]:
    return rows.measure(weights)


def _joined(parts: list[dict[str, Floats]], names: Mapping[str, float]) -> dict[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) if parts else np.empty(0) for name in names}
