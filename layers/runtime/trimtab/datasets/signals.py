"""How well one column alone tells the label: learned on the training rows, measured on the hold-out. Pure."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS: Final = 64
EXACT_LEVELS: Final = 1024
"""A column of numbers with no more values than this, four rows for each, is taken value by value."""
FEWEST: Final = 5
"""Rows of a class, on either side, below which it says nothing."""


def auc(label: NDArray[np.bool_], score: Floats) -> float:
    """Area under the ROC curve, ties counted half; label has both values. Mann and Whitney (1947)."""
    negatives, positives = np.sort(score[~label]), score[label]
    below = np.searchsorted(negatives, positives, "left") + np.searchsorted(negatives, positives, "right")
    return float(below.mean() / (2 * len(negatives)))


def tells_classes(train: pa.Array, holdout: pa.Array, known: NDArray[Any], asked: NDArray[Any]) -> float | None:
    """Mean AUC over the classes of ``asked`` (labels of the hold-out), 0.5 to 1; None with too few rows of a class.

    ``known`` are the labels of the training rows; columns may have gaps.
    """
    classes = np.unique(asked)
    if len(classes) < 2 or min((asked == each).sum() for each in classes) < FEWEST:
        return None
    places, asked_places, levels = _levels(train, holdout)
    orders = _orders(holdout) if len(classes) == 2 else []
    found = []
    for each in classes[-1:] if len(classes) == 2 else classes:
        share = _means(places, (known == each).astype(np.float64), levels)[asked_places]
        areas = [auc(asked == each, score) for score in (share, *orders)]
        found.append(max(max(area, 1 - area) for area in areas))
    return float(np.mean(found))


def tells_number(train: pa.Array, holdout: pa.Array, known: Floats, asked: Floats) -> float | None:
    """Share of the label's variance (R², at least 0); None with too few rows or a label that does not vary."""
    if len(asked) < 2 * FEWEST or not asked.var():
        return None
    places, asked_places, levels = _levels(train, holdout)
    by_level = 1 - float(np.mean((asked - _means(places, known, levels)[asked_places]) ** 2) / asked.var())
    orders = [_squared_correlation(order, asked) for order in _orders(holdout)]
    ranked = [_squared_correlation(_ranks(order), _ranks(asked)) for order in _orders(holdout)]
    return max(by_level, *orders, *ranked, 0.0) if orders else max(by_level, 0.0)


def _levels(train: pa.Array, holdout: pa.Array) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """A level for each row of both sides, and the number of levels; what is missing or new has the last one."""
    distinct = pc.unique(train).drop_null()
    if _is_ordered(train.type) and len(distinct) > min(EXACT_LEVELS, len(train) // 4):
        left, right = _numbers(train), _numbers(holdout)
        edges = np.unique(np.nanquantile(left, np.linspace(0, 1, BINS + 1)[1:-1]))
        return _binned(left, edges), _binned(right, edges), len(edges) + 2
    found = [np.asarray(pc.fill_null(pc.index_in(side, distinct), len(distinct))) for side in (train, holdout)]
    return found[0].astype(np.intp), found[1].astype(np.intp), len(distinct) + 1


def _binned(values: Floats, edges: Floats) -> NDArray[np.intp]:
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, "right")).astype(np.intp)


def _means(places: NDArray[np.intp], target: Floats, levels: int) -> Floats:
    """Mean of the target by level; the mean of all for a level without rows."""
    counts, sums = np.bincount(places, minlength=levels), np.bincount(places, target, minlength=levels)
    return np.where(counts > 0, sums / np.maximum(counts, 1), target.mean())


def _is_ordered(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_) or pa.types.is_timestamp(type_))


def _orders(column: pa.Array) -> list[Floats]:
    """The column's own values, with what is missing before and after all others; none for texts."""
    if not _is_ordered(column.type):
        return []
    values = _numbers(column)
    if np.isnan(values).all():
        return []
    low, high = np.nanmin(values) - 1, np.nanmax(values) + 1
    missing = np.isnan(values)
    if not missing.any():
        return [values]
    return [np.where(missing, end, values) for end in (low, high)]


def _numbers(column: pa.Array) -> Floats:
    plain = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return np.asarray(plain.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _ranks(values: Floats) -> Floats:
    """Average ranks."""
    ordered = np.sort(values)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / 2


def _squared_correlation(left: Floats, right: Floats) -> float:
    if not left.std() or not right.std():
        return 0.0
    return float(np.corrcoef(left, right)[0, 1] ** 2)
