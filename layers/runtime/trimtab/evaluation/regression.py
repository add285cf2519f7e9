"""Metrics of predicted numbers, for one weighting of the rows or for many at once.

Definitions follow scikit-learn's documentation, but for MAPE, which leaves out rows whose label is 0: they have no
relative error.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.directions import names_of
from trimtab.evaluation.metrics import BLOCK_ROWS, Floats, Weights
from trimtab.evaluation.tallies import Bins, Groups, sums_by_group
from trimtab.measures import REGRESSION

NAMES = names_of(REGRESSION)
_SUMS = ("square", "absolute", "relative", "relative_rows", "pinball", "label", "label_square", "rows")


def measure(label: NDArray[Any], prediction: NDArray[Any], quantile: float = 0.5) -> dict[str, float]:
    """Every metric of ``prediction`` against ``label``, both of shape (n,) and in the label's unit.

    Errors are in that unit; MAPE and R² are shares. Everything is NaN without rows or when any prediction is not
    finite; R² is NaN when all labels are equal, MAPE when all are 0.
    """
    scored = NumberScored.of(label, prediction, quantile)
    return {name: float(values[0]) for name, values in scored.measure(np.ones((1, len(label)))).items()}


@dataclass(frozen=True)
class NumberScored:
    """Rows in ascending order of their absolute error, ready to be weighted in many ways."""

    order: NDArray[np.intp]
    error: Floats
    """Absolute errors, ascending."""
    sums: Floats
    """What each row adds to the sums named in _SUMS, shape (n, 8)."""
    usable: bool
    """Whether every prediction is finite."""

    @classmethod
    def of(cls, label: NDArray[Any], prediction: NDArray[Any], quantile: float = 0.5) -> "NumberScored":
        """``label`` and ``prediction`` have shape (n,)."""
        label, prediction = np.asarray(label, dtype=np.float64), np.asarray(prediction, dtype=np.float64)
        usable = bool(np.isfinite(prediction).all() and np.isfinite(label).all())
        error = np.abs(label - prediction)
        order = np.argsort(error, kind="stable")
        sums = _sums(label, prediction, quantile) if usable and len(label) else np.empty((0, len(_SUMS)))
        return cls(order, error[order], sums[order] if len(sums) else sums, usable)

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights`` (shape (rounds, n)); results have shape (rounds,)."""
        if not self.usable or not len(self.error):
            return {name: np.full(len(weights), np.nan) for name in NAMES}
        sums, reached = self._add_up(weights)
        return _metrics(sums, self._median(weights, reached, sums["rows"]))

    def tallied(self, group: Groups, groups: int) -> "TalliedNumbers":
        """The same rows, to be weighted by their groups."""
        return TalliedNumbers(self, Bins.of(np.arange(len(self.error)), len(self.error)), group[self.order], groups)

    def _add_up(self, weights: Weights) -> tuple[dict[str, Floats], Floats]:
        """Weighted sums by name, and the weight up to the end of each block of rows, shape (rounds, blocks)."""
        total, reached = np.zeros((len(weights), len(_SUMS))), []
        for start in range(0, len(self.error), BLOCK_ROWS):
            part = slice(start, start + BLOCK_ROWS)
            total = total + np.take(weights, self.order[part], axis=1).astype(np.float64) @ self.sums[part]
            reached.append(total[:, _SUMS.index("rows")])
        return dict(zip(_SUMS, total.T, strict=True)), np.array(reached).T

    def _median(self, weights: Weights, reached: Floats, rows: Floats) -> Floats:
        """The median of each round's rows: the mean of the middle two when their number is even."""
        return np.array(
            [self._middle(row, ends, half) for row, ends, half in zip(weights, reached, rows / 2, strict=True)]
        )

    def _middle(self, weights: Weights, ends: Floats, half: float) -> float:
        """Mean of the first error at which the weights reach ``half`` and the first at which they exceed it."""
        block = int(np.searchsorted(ends, half))
        value, upper = self._at(weights, ends, half, block)
        exceeding = int(np.searchsorted(ends, half, side="right"))
        if exceeding != block and exceeding < len(ends):
            upper = self._at(weights, ends, half, exceeding)[1]
        return (value + upper) / 2

    def _at(self, weights: Weights, ends: Floats, half: float, block: int) -> tuple[float, float]:
        start = block * BLOCK_ROWS
        within = np.cumsum(weights[self.order[start : start + BLOCK_ROWS]], dtype=np.float64)
        sought = half - (ends[block - 1] if block else 0.0)
        lower, upper = (int(np.searchsorted(within, sought, side=side)) for side in ("left", "right"))
        return float(self.error[start + lower]), float(self.error[min(start + upper, len(self.error) - 1)])


@dataclass(frozen=True)
class TalliedNumbers:
    """Rows that are weighted by the group; the median is looked for within a bin of errors."""

    rows: NumberScored
    bins: Bins
    group: Groups
    """In the order of the errors."""
    groups: int

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights``, shape (rounds, groups); results have shape (rounds,)."""
        if not self.rows.usable:
            return {name: np.full(len(weights), np.nan) for name in NAMES}
        total = weights @ sums_by_group(self.rows.sums, self.group, self.groups)
        return _metrics(dict(zip(_SUMS, total.T, strict=True)), self._median(weights.astype(np.float32)))

    def _median(self, weights: Weights) -> Floats:
        counted = [weights @ each for each in self.bins.counts(None, self.group, self.groups)]
        weight = np.concatenate(counted, axis=1).astype(np.float64)
        reached = np.cumsum(weight, axis=1)
        half = reached[:, -1:] / 2
        found = (reached < half).argmin(axis=1)
        within, before = (np.take_along_axis(each, found[:, None], axis=1) for each in (weight, reached - weight))
        share = ((half - before) / np.maximum(within, 1))[:, 0]
        edges = np.searchsorted(self.bins.place, np.arange(self.bins.count + 1))
        place = edges[found] + share * (edges[found + 1] - edges[found])
        return np.asarray(self.rows.error[np.minimum(place.astype(np.intp), len(self.rows.error) - 1)])


def _metrics(sums: dict[str, Floats], median: Floats) -> dict[str, Floats]:
    rows = sums["rows"]
    spread = sums["label_square"] - sums["label"] ** 2 / rows
    found = {
        "rmse": np.sqrt(sums["square"] / rows),
        "mae": sums["absolute"] / rows,
        "mape": _ratio(sums["relative"], sums["relative_rows"]),
        "r2": 1 - _ratio(sums["square"], np.where(spread > 1e-12 * sums["label_square"], spread, 0)),
        "median_absolute_error": median,
        "quantile_loss": sums["pinball"] / rows,
    }
    return {name: found[name] for name in NAMES}


def _sums(label: Floats, prediction: Floats, quantile: float) -> Floats:
    error, centred, known = label - prediction, label - label.mean(), label != 0
    relative = np.divide(np.abs(error), np.abs(label), out=np.zeros_like(error), where=known)
    pinball = np.where(error >= 0, quantile * error, (quantile - 1) * error)
    ones = np.ones_like(error)
    return np.column_stack([error**2, np.abs(error), relative, known, pinball, centred, centred**2, ones])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    undefined: Floats = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)
