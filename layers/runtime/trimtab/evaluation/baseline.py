"""Models so simple that a candidate must beat them: the share of positives, and a plain logistic regression."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import Floats

MAX_LEVELS = 20
"""Levels of a text column that get a column of their own; all others share none."""
RIDGE = 1.0
MAX_STEPS = 25
Column = NDArray[Any]
Columns = Mapping[str, Column]


def prevalence(train: Columns, label: Floats, rows: Columns) -> Floats:
    """The share of positives among the training rows, for every row."""
    return np.full(_length(rows), label.mean())


def logistic(train: Columns, label: Floats, rows: Columns) -> Floats:
    """Probabilities by a ridge logistic regression on standardised numbers and the commonest text levels."""
    encoders = [_encoder(train[name]) for name in sorted(train)]
    weights = _fit(_design(train, encoders), label)
    return _sigmoid(_design(rows, encoders) @ weights)


BASELINES: dict[str, Callable[[Columns, Floats, Columns], Floats]] = {"prevalence": prevalence, "logistic": logistic}


@dataclass(frozen=True)
class _Number:
    """Standardised, with the mean in place of a missing value."""

    mean: float
    scale: float

    def __call__(self, column: Column) -> Floats:
        scaled = (column.astype(np.float64) - self.mean) / self.scale
        return np.nan_to_num(scaled, nan=0.0)[:, None]


@dataclass(frozen=True)
class _Levels:
    """One column of 0 and 1 for each level."""

    levels: tuple[Any, ...]

    def __call__(self, column: Column) -> Floats:
        return np.column_stack([(column == level).astype(np.float64) for level in self.levels])


def _encoder(column: Column) -> Callable[[Column], Floats]:
    if column.dtype.kind in "biuf":
        numbers = column.astype(np.float64)
        seen = numbers[np.isfinite(numbers)]
        return _Number(float(seen.mean()), float(seen.std()) or 1.0) if len(seen) else _Number(0.0, 1.0)
    levels, counts = np.unique(column[column != None].astype(str), return_counts=True)  # noqa: E711  elementwise
    return _Levels(tuple(levels[np.argsort(-counts, kind="stable")][:MAX_LEVELS]))


def _design(columns: Columns, encoders: Sequence[Callable[[Column], Floats]]) -> Floats:
    parts = [encode(columns[name]) for name, encode in zip(sorted(columns), encoders, strict=True)]
    return np.column_stack([np.ones(_length(columns)), *parts])


def _fit(design: Floats, label: Floats) -> Floats:
    """Weights by Newton's method (reweighted least squares; Hastie et al., 4.4.1); the first has no ridge."""
    weights = np.zeros(design.shape[1])
    penalty = np.full(design.shape[1], RIDGE)
    penalty[0] = 1e-9
    for _ in range(MAX_STEPS):
        likely = _sigmoid(design @ weights)
        gradient = design.T @ (label - likely) - penalty * weights
        curvature = (design * (likely * (1 - likely))[:, None]).T @ design + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _sigmoid(values: Floats) -> Floats:
    return 1 / (1 + np.exp(-np.clip(values, -35, 35)))


def _length(columns: Columns) -> int:
    return len(next(iter(columns.values())))
