"""Metrics of a binary classifier, for one weighting of the rows or for many at once.

Definitions follow Fawcett (2006), "An introduction to ROC analysis", for AUC (ties count one half) and
scikit-learn's documentation for average precision, log loss and the Brier score.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.directions import METRIC_NAMES

Floats = NDArray[np.float64]
THRESHOLD = 0.5


def measure(label: NDArray[Any], score: NDArray[Any]) -> dict[str, float]:
    """Every metric of ``score`` (probabilities, shape (n,)) against ``label`` (0 or 1, shape (n,)).

    AUC and average precision are NaN when a class is missing; everything is NaN without rows, or when any score is no
    probability (not finite, below 0 or above 1).
    """
    ones = np.ones((1, len(label)))
    return {name: float(values[0]) for name, values in Scored.of(label, score).measure(ones).items()}


@dataclass(frozen=True)
class Scored:
    """Rows in ascending order of their score, ready to be weighted in many ways."""

    order: NDArray[np.intp]
    positive: Floats
    starts: NDArray[np.intp]
    """Where each group of equal scores begins."""
    losses: dict[str, Floats]
    """What each row adds to a metric that is a mean over rows."""
    usable: bool
    """Whether every score is a probability."""

    @classmethod
    def of(cls, label: NDArray[Any], score: NDArray[Any]) -> "Scored":
        """``label`` holds 0 and 1; both have shape (n,)."""
        score = np.asarray(score, dtype=np.float64)
        order = np.argsort(score, kind="stable")
        ranked, positive = score[order], np.asarray(label, dtype=np.float64)[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.empty(0, np.intp)
        return cls(order, positive, starts, _losses(positive, ranked), bool(((ranked >= 0) & (ranked <= 1)).all()))

    def measure(self, weights: Floats) -> dict[str, Floats]:
        """Each metric for each row of ``weights`` (shape (rounds, n), not negative); results have shape (rounds,)."""
        if not self.usable or not len(self.positive):
            return {name: np.full(len(weights), np.nan) for name in METRIC_NAMES}
        ranked = weights[:, self.order]
        total = ranked.sum(axis=1)
        found = {name: ranked @ loss / total for name, loss in self.losses.items()}
        hits = np.add.reduceat(ranked * self.positive, self.starts, axis=1)
        every = np.add.reduceat(ranked, self.starts, axis=1)
        found |= {"auc": _auc(hits, every - hits), "average_precision": _average_precision(hits, every)}
        return {name: found[name] for name in METRIC_NAMES}


def _losses(label: Floats, score: Floats) -> dict[str, Floats]:
    edge = np.finfo(np.float64).eps
    likely = np.clip(np.where(label == 1, score, 1 - score), edge, 1 - edge)
    return {
        "log_loss": -np.log(likely),
        "brier": (score - label) ** 2,
        "accuracy": ((score >= THRESHOLD) == (label == 1)).astype(np.float64),
    }


def _auc(hits: Floats, misses: Floats) -> Floats:
    """Share of (positive, negative) pairs in the right order; groups of equal scores ascend along axis 1."""
    below = np.cumsum(misses, axis=1) - misses / 2
    pairs = hits.sum(axis=1) * misses.sum(axis=1)
    return _ratio((hits * below).sum(axis=1), pairs)


def _average_precision(hits: Floats, every: Floats) -> Floats:
    """Precision at each threshold, weighted by the recall it adds."""
    above = np.cumsum(every[:, ::-1], axis=1)
    found = np.cumsum(hits[:, ::-1], axis=1)
    precision = np.divide(found, above, out=np.zeros_like(found), where=above > 0)
    total = hits.sum(axis=1)
    area = (precision * hits[:, ::-1]).sum(axis=1)
    return _ratio(area, total)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    undefined: Floats = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)
