"""Whether predictions mean what they say: reliability by bins, expected calibration error, slope and intercept.

Bins hold equally many rows (Naeini et al. 2015 with quantile bins; scikit-learn's ``calibration_curve(strategy=
"quantile")`` has the same edges where scores do not tie). The interval of the error is made of the bins' intervals,
which hold together (Bonferroni): it is wider than a bootstrap's, and it covers. Slope and intercept: Cox (1958), the
logistic regression of the label on the scores' log odds; a calibrated model has 1 and 0. Regression has the same in
numbers: predicted and observed means by bins in standard deviations of the label, and the least-squares line of the
label on the prediction with intervals that allow for unequal variance (White 1980).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.proportions import bonferroni, z_of

BINS = 10
LEAST_PER_BIN = 30
EDGE = 1e-6
STEPS = 50
Json = dict[str, Any]
Floats = NDArray[np.float64]


def calibrate_binary(label: Floats, score: Floats, confidence: float) -> Json:
    """Calibration of probabilities ``score`` against ``label`` (0 or 1), shape (n,) each; NaN where undefined."""
    found = _reliability(label, score, 1.0, confidence)
    return found | _cox(label, score, confidence)


def calibrate_classes(label: NDArray[Any], scores: Floats, classes: Sequence[Any], confidence: float) -> Json:
    """Calibration of the likeliest class, and each class's error; ``scores`` has shape (n, classes)."""
    top = scores.argmax(axis=1)
    hit = (np.asarray(classes, dtype=object)[top] == label).astype(np.float64)
    of_each = {
        str(name): _reliability((label == name).astype(np.float64), scores[:, place], 1.0, confidence)["error"]
        for place, name in enumerate(classes)
    }
    return _reliability(hit, scores.max(axis=1), 1.0, confidence) | {"classes": of_each}


def calibrate_numbers(label: Floats, prediction: Floats, confidence: float) -> Json:
    """Calibration of predicted numbers, in standard deviations of the label; shape (n,) each."""
    spread = float(label.std()) if len(label) else math.nan
    found = _reliability(label, prediction, spread, confidence)
    return found | _line(label, prediction, confidence)


def _reliability(label: Floats, score: Floats, unit: float, confidence: float) -> Json:
    """Mean score and mean label of each bin, and the mean distance of both over the rows, in ``unit``."""
    count = min(BINS, len(label) // LEAST_PER_BIN)
    nothing = {"value": math.nan, "lo": math.nan, "hi": math.nan}
    if not count or not np.isfinite(score).all() or not unit > 0:
        return {"n": len(label), "error": nothing, "bins": []}
    order = np.argsort(score, kind="stable")
    z = z_of(bonferroni(confidence, count))
    bins = [_bin(label[rows], score[rows], z) for rows in np.array_split(order, count)]
    weights = np.array([each["n"] for each in bins]) / len(label)
    gaps = np.array([abs(each["observed"] - each["predicted"]) for each in bins]) / unit
    halves = np.array([each["half"] for each in bins]) / unit
    error = {
        "value": float(weights @ gaps),
        "lo": float(weights @ np.maximum(gaps - halves, 0)),
        "hi": float(weights @ (gaps + halves)),
    }
    return {"n": len(label), "error": error, "bins": bins}


def _bin(label: Floats, score: Floats, z: float) -> Json:
    """``half`` is half the width of the interval of observed less predicted, never below that of one odd row."""
    gap = label - score
    spread = float(gap.std(ddof=1)) if len(gap) > 1 else math.nan
    half = z * spread / math.sqrt(len(gap))
    return {
        "low": float(score.min()),
        "high": float(score.max()),
        "n": len(label),
        "predicted": float(score.mean()),
        "observed": float(label.mean()),
        "half": half,
    }


def _cox(label: Floats, score: Floats, confidence: float) -> Json:
    nothing = {"slope": None, "intercept": None}
    if len(label) < LEAST_PER_BIN or not np.isfinite(score).all() or len(np.unique(label)) < 2:
        return nothing
    likely = np.clip(score, EDGE, 1 - EDGE)
    odds = np.log(likely / (1 - likely))
    if odds.std() < EDGE:
        return nothing
    design = np.column_stack([np.ones(len(odds)), odds])
    weights, curvature = _logistic(design, label)
    if not np.isfinite(weights).all():
        return nothing
    return _estimates(weights, np.linalg.inv(curvature), confidence)


def _logistic(design: Floats, label: Floats) -> tuple[Floats, Floats]:
    """Maximum likelihood by Newton's method, and the information matrix there; NaN when it does not settle."""
    weights = np.array([0.0, 1.0])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(design @ weights, -35, 35)))
        curvature = (design * (likely * (1 - likely))[:, None]).T @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, design.T @ (label - likely))
        weights = weights + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-8:
            return weights, curvature
    return np.full(2, np.nan), np.eye(2)


def _line(label: Floats, prediction: Floats, confidence: float) -> Json:
    usable = len(label) >= LEAST_PER_BIN and np.isfinite(prediction).all()
    if not usable or prediction.std() <= EDGE * max(1.0, float(np.abs(prediction).max())):
        return {"slope": None, "intercept": None}
    design = np.column_stack([np.ones(len(label)), prediction])
    inverse = np.linalg.inv(design.T @ design)
    weights = inverse @ design.T @ label
    residual = (label - design @ weights)[:, None]
    return _estimates(weights, inverse @ ((design * residual).T @ (design * residual)) @ inverse, confidence)


def _estimates(weights: Floats, covariance: NDArray[Any], confidence: float) -> Json:
    half = z_of(confidence) * np.sqrt(np.diag(covariance))
    names = ("intercept", "slope")
    return {
        name: {"value": float(value), "lo": float(value - wide), "hi": float(value + wide)}
        for name, value, wide in zip(names, weights, half, strict=True)
    }
