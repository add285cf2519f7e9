"""Models so simple that a candidate must beat them: a constant, the last known value, a plain linear model.

All are fitted on training rows and give scores as the kind of problem has them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.encoding import Columns, Design
from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.metrics import Floats
from trimtab.measures import BINARY, MULTICLASS, REGRESSION

RIDGE = 1.0
MAX_STEPS = 25
MAX_BOUND_STEPS = 300
LEARNED_ROWS = 100_000
"""At most this many training rows, the newest, teach a baseline."""


@dataclass(frozen=True)
class Known:
    """What a baseline may know of a set of rows, in order of time."""

    columns: Columns
    """The features that are not times, shape (n,) each."""
    n: int
    keys: list[Any] = field(default_factory=list)
    """The series that each row belongs to; empty when all are one."""


Baseline = Callable[[Kind, Known, Floats, Known], Floats]
"""(kind, training rows, their labels, rows to score) → scores."""


def constant(kind: Kind, train: Known, label: Floats, rows: Known) -> Floats:
    """The share of positives, the shares of the classes or the mean of the training rows, for every row."""
    if kind.problem == MULTICLASS:
        return np.tile(_one_hot(label, kind).mean(axis=0), (rows.n, 1))
    return np.full(rows.n, label.mean())


def last_value(kind: Kind, train: Known, label: Floats, rows: Known) -> Floats:
    """The label of the newest training row of the same series; the constant for a series that is new.

    Nothing of the hold-out is used: at serving the truth of the rows just before is not there yet either.
    """
    scores = constant(kind, train, label, rows)
    known = _one_hot(label, kind) if kind.problem == MULTICLASS else label
    newest = {key: place for place, key in enumerate(train.keys)} if train.keys else {None: len(label) - 1}
    places = np.array([newest.get(key, -1) for key in rows.keys or [None] * rows.n], dtype=np.intp)
    scores[places >= 0] = known[places[places >= 0]]
    return scores


def linear(kind: Kind, train: Known, label: Floats, rows: Known) -> Floats:
    """Predictions by ridge, logistic or multinomial regression on standardised numbers and common text levels."""
    design = Design.of(train.columns)
    learned = design.matrix(train.columns, train.n)
    weights = _FITS[kind.problem](learned, label, kind)
    blocks = [_ANSWERS[kind.problem](block @ weights) for block in design.blocks(rows.columns, rows.n)]
    return np.concatenate(blocks) if blocks else np.empty((0, *weights.shape[1:]))


BASELINES: dict[str, Baseline] = {
    "prevalence": constant,
    "mean": constant,
    "last_value": last_value,
    "logistic": linear,
    "linear": linear,
}


def _fit_ridge(design: Floats, label: Floats, kind: Kind) -> Floats:
    """Least squares with a ridge (Hastie et al., 3.4.1)."""
    penalty = np.diag(_penalty(design))
    return np.asarray(np.linalg.solve(design.T @ design + penalty, design.T @ label))


def _fit_logistic(design: Floats, label: Floats, kind: Kind) -> Floats:
    """Weights by Newton's method (reweighted least squares; Hastie et al., 4.4.1)."""
    weights, penalty = np.zeros(design.shape[1]), _penalty(design)
    for _ in range(MAX_STEPS):
        likely = _sigmoid(design @ weights)
        gradient = design.T @ (label - likely) - penalty * weights
        curvature = (design * (likely * (1 - likely))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _fit_multinomial(design: Floats, label: Floats, kind: Kind) -> Floats:
    """Weights, shape (width, k), by steps along a bound of the curvature, each of which improves (Böhning 1992)."""
    truth, penalty = _one_hot(label, kind), _penalty(design)
    weights = np.zeros((design.shape[1], truth.shape[1]))
    bound = np.linalg.inv(design.T @ design / 2 + np.diag(penalty))
    for _ in range(MAX_BOUND_STEPS):
        step = bound @ (design.T @ (truth - _softmax(design @ weights)) - penalty[:, None] * weights)
        weights += step
        if np.abs(step).max() < 1e-4:
            break
    return weights


_FITS = {BINARY: _fit_logistic, MULTICLASS: _fit_multinomial, REGRESSION: _fit_ridge}


def _penalty(design: Floats) -> Floats:
    """The ridge of each column; next to none for the first, which is the constant."""
    penalty = np.full(design.shape[1], RIDGE)
    penalty[0] = 1e-9
    return penalty


def _one_hot(label: NDArray[Any], kind: Kind) -> Floats:
    return np.eye(len(kind.classes))[np.asarray(label, dtype=np.intp)]


def _plain(values: Floats) -> Floats:
    return values


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -35, 35))))


def _softmax(values: Floats) -> Floats:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


_ANSWERS: dict[str, Callable[[Floats], Floats]] = {BINARY: _sigmoid, MULTICLASS: _softmax, REGRESSION: _plain}
