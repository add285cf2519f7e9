"""Metrics of a classifier of several classes, for one weighting of the rows or for many at once.

Definitions follow scikit-learn's documentation: balanced accuracy is the mean recall, macro F1 the mean F1 and
``auc_macro`` the mean of each class's AUC against all others, each over the classes that have rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation import metrics
from trimtab.evaluation.directions import names_of
from trimtab.evaluation.metrics import Floats, Weights
from trimtab.evaluation.tallies import Groups
from trimtab.measures import MULTICLASS

NAMES = names_of(MULTICLASS)
SUM_TOLERANCE = 1e-3
"""Probabilities of a row may miss 1 by this: models compute in single precision."""


def measure(label: NDArray[Any], score: NDArray[Any]) -> dict[str, float]:
    """Every metric of ``score`` (probabilities, shape (n, k)) against ``label`` (a class's position, shape (n,)).

    Everything is NaN without rows, or when any row is no distribution: a value that is not finite, below 0 or above
    1, or a sum other than 1. ``auc_macro`` is NaN when all rows are of one class.
    """
    scored = ClassScored.of(label, score)
    return {name: float(values[0]) for name, values in scored.measure(np.ones((1, len(label)))).items()}


def per_class(label: NDArray[Any], score: NDArray[Any], classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each class its rows ``n``, precision, recall, F1 and AUC against all others; NaN where undefined."""
    scored = ClassScored.of(label, score)
    ones = np.ones((1, len(label)))
    matrix = scored.confusion(ones)[0]
    auc = scored.auc(ones)[:, 0]
    return {
        name: {
            "n": int(matrix[place].sum()),
            "precision": _share(matrix[place, place], matrix[:, place].sum()),
            "recall": _share(matrix[place, place], matrix[place].sum()),
            "f1": _share(2 * matrix[place, place], matrix[place].sum() + matrix[:, place].sum()),
            "auc": float(auc[place]),
        }
        for place, name in enumerate(classes)
    }


@dataclass(frozen=True)
class ClassScored:
    """Rows ready to be weighted in many ways."""

    cell: NDArray[np.intp]
    """Position of each row in the confusion matrix, row by row: label times k plus the likeliest class."""
    loss: Floats
    ranked: tuple[metrics.Scored, ...]
    """Each class against all others."""
    usable: bool
    """Whether every row is a distribution."""

    @classmethod
    def of(cls, label: NDArray[Any], score: NDArray[Any]) -> "ClassScored":
        """``label`` holds positions of classes, shape (n,); ``score`` their probabilities, shape (n, k)."""
        label, score = np.asarray(label, dtype=np.intp), np.asarray(score, dtype=np.float64)
        classes = score.shape[1]
        called = np.argmax(np.nan_to_num(score), axis=1) if len(score) else np.empty(0, np.intp)
        own = np.take_along_axis(score, label[:, None], axis=1)[:, 0] if len(score) else np.empty(0)
        return cls(
            cell=label * classes + called,
            loss=-np.log(np.clip(own, np.finfo(np.float64).eps, 1)),
            ranked=tuple(metrics.Scored.of(label == place, score[:, place]) for place in range(classes)),
            usable=is_distribution(score),
        )

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights`` (shape (rounds, n)); results have shape (rounds,)."""
        if not self.usable or not len(self.cell):
            return {name: np.full(len(weights), np.nan) for name in NAMES}
        loss = weights.astype(np.float64, copy=False) @ self.loss
        return _metrics(self.confusion(weights), loss, self.auc(weights))

    def tallied(self, group: Groups, groups: int) -> "TalliedClasses":
        """The same rows, to be weighted by their groups."""
        ranked = tuple(each.tallied(group, groups) for each in self.ranked)
        return TalliedClasses(self, ranked, group, groups)

    def confusion(self, weights: Weights) -> Floats:
        """Weight of each (label, called) pair, shape (rounds, k, k)."""
        classes = len(self.ranked)
        counted = [np.bincount(self.cell, row, minlength=classes * classes) for row in weights]
        return np.array(counted, dtype=np.float64).reshape(len(weights), classes, classes)

    def auc(self, weights: Weights) -> Floats:
        """AUC of each class against all others, shape (k, rounds)."""
        return np.array([ranked.measure(weights)["auc"] for ranked in self.ranked])


@dataclass(frozen=True)
class TalliedClasses:
    """Rows that are weighted by the group."""

    rows: ClassScored
    ranked: tuple[metrics.TalliedScored, ...]
    group: Groups
    groups: int

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights``, shape (rounds, groups); results have shape (rounds,)."""
        if not self.rows.usable:
            return {name: np.full(len(weights), np.nan) for name in NAMES}
        auc = np.array([ranked.measure(weights)["auc"] for ranked in self.ranked])
        loss = weights.astype(np.float64, copy=False) @ np.bincount(self.group, self.rows.loss, minlength=self.groups)
        return _metrics(self._confusion(weights), loss, auc)

    def _confusion(self, weights: Weights) -> Floats:
        classes = len(self.ranked)
        label, called = np.divmod(self.rows.cell, classes)
        found = []
        for place in range(classes):
            of_class = label == place
            cells = self.group[of_class] * classes + called[of_class]
            counted = np.bincount(cells, minlength=self.groups * classes).reshape(self.groups, classes)
            found.append(weights @ counted)
        return np.asarray(np.stack(found, axis=1), dtype=np.float64)


def _metrics(matrix: Floats, loss: Floats, auc: Floats) -> dict[str, Floats]:
    """Of the confusion of each round, (rounds, k, k), the sum of its losses, (rounds,), and the AUCs, (k, rounds)."""
    right, rows, called = matrix.diagonal(axis1=1, axis2=2), matrix.sum(axis=2), matrix.sum(axis=1)
    total = rows.sum(axis=1)
    return {
        "log_loss": loss / total,
        "accuracy": right.sum(axis=1) / total,
        "balanced_accuracy": _mean(right, rows, rows > 0),
        "macro_f1": _mean(2 * right, rows + called, rows > 0),
        "auc_macro": _mean_known(auc),
    }


def is_distribution(score: NDArray[Any]) -> bool:
    """Whether every row of ``score`` (shape (n, k)) holds probabilities that add up to 1."""
    return bool(are_distributions(score).all())


def are_distributions(score: NDArray[Any]) -> NDArray[np.bool_]:
    """Of each row of ``score`` (shape (n, k)) whether it holds probabilities that add up to 1; shape (n,)."""
    within = ((score >= 0) & (score <= 1)).all(axis=1)
    return np.asarray(within & (np.abs(score.sum(axis=1) - 1) <= SUM_TOLERANCE))


def _mean(part: Floats, whole: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean of the ratios of the classes that count, shape (rounds,)."""
    ratios = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
    return np.asarray((ratios * counted).sum(axis=1) / counted.sum(axis=1))


def _mean_known(values: Floats) -> Floats:
    """Mean along axis 0 over what is not NaN; NaN where nothing is known."""
    known = np.isfinite(values)
    total = np.where(known, values, 0).sum(axis=0)
    undefined: Floats = np.full(values.shape[1], np.nan)
    return np.asarray(np.divide(total, known.sum(axis=0), out=undefined, where=known.any(axis=0)))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
