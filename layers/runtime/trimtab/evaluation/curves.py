"""What the report draws: ROC and precision-recall curves of a binary model, residuals of a regression."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

POINTS = 60
"""Most points of a curve, evenly spread over it."""
BINS = 24
Json = dict[str, Any]
Floats = NDArray[np.float64]


def binary_curves(label: Floats, score: Floats) -> Json:
    """``roc`` as [false positive rate, true positive rate] and ``precision_recall`` as [recall, precision].

    Shape (n,) each; empty when a class is missing or a score is not finite. One point for each distinct score at
    most, ties together, as scikit-learn's roc_curve and precision_recall_curve have them.
    """
    positives = float(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives or not np.isfinite(score).all():
        return {"roc": [], "precision_recall": []}
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(score[order]) != 0, True])
    hits = np.cumsum(label[order])[last]
    false = last + 1 - hits
    roc = np.column_stack([np.r_[0, false / negatives], np.r_[0, hits / positives]])
    return {
        "roc": _thinned(roc),
        "precision_recall": _thinned(np.column_stack([hits / positives, hits / (hits + false)])),
    }


def class_curves(label: NDArray[Any], decided: NDArray[Any], classes: Sequence[Any]) -> Json:
    """``confusion``: rows of each true class (outer) by decided class (inner), in the order of ``classes``."""
    return {"confusion": [[int(((label == true) & (decided == said)).sum()) for said in classes] for true in classes]}


def number_curves(label: Floats, prediction: Floats) -> Json:
    """``residuals``: [low edge, high edge, rows] of label less prediction between its 1st and 99th percentile."""
    residual = (label - prediction)[np.isfinite(label - prediction)]
    if not len(residual):
        return {"residuals": []}
    low, high = np.quantile(residual, (0.01, 0.99))
    counts, edges = np.histogram(residual, BINS, (low, high if high > low else low + 1))
    bins = zip(edges[:-1], edges[1:], counts, strict=True)
    return {"residuals": [[float(left), float(right), int(count)] for left, right, count in bins]}


def _thinned(points: Floats) -> list[list[float]]:
    chosen = np.unique(np.linspace(0, len(points) - 1, min(POINTS, len(points))).astype(int))
    return [[round(float(x), 5), round(float(y), 5)] for x, y in points[chosen]]
