"""Intervals and paired comparisons by the bootstrap.

Every model is measured on the same draws of rows, so that the difference of two models has the interval of a paired
comparison. Percentile intervals: Efron and Tibshirani (1993), chapters 8 and 13.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from trimtab.evaluation.draws import Draws
from trimtab.evaluation.kinds import Measurable, Weighable
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.tallies import MANY_ROWS

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
    groups: int | None = None
    """Groups of rows that were drawn; None where rows were."""

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

    The same arguments give the same result. A metric that is undefined in many draws has no interval. Many rows are
    drawn in groups (see tallies.py).
    """
    points = {name: _once(rows, n) for name, rows in models.items()}
    if n < MANY_ROWS:
        return Resampled(points, _measure_draws(models, draws, rounds, seed) if n else _none(points), confidence)
    grouped = draws.in_groups(seed)
    ready = {name: rows.tallied(grouped.group, grouped.count) for name, rows in models.items()}
    found = _measure_draws(ready, grouped.draws, rounds, seed)
    for name, rows in ready.items():
        plain = _once(rows, grouped.count)
        found[name] = {metric: points[name][metric] + (found[name][metric] - plain[metric]) for metric in plain}
    return Resampled(points, found, confidence, grouped.count)


def _once(rows: Measurable, n: int) -> dict[str, float]:
    """The rows or groups as they are."""
    return {name: float(values[0]) for name, values in rows.measure(np.ones((1, n))).items()}


def _none(points: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Floats]]:
    return {name: {metric: np.empty(0) for metric in found} for name, found in points.items()}


def _measure_draws(
    models: Mapping[str, Measurable], draws: Draws, rounds: int, seed: int
) -> dict[str, dict[str, Floats]]:
    parts: dict[str, list[dict[str, Floats]]] = {name: [] for name in models}
    for weights in draws.weights(rounds, np.random.default_rng(seed)):
        for name, rows in models.items():
            parts[name].append(rows.measure(weights))
    return {
        name: {metric: np.concatenate([part[metric] for part in found]) for metric in found[0]}
        for name, found in parts.items()
    }
