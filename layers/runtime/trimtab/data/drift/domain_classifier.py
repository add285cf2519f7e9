"""Drift of whole rows, measured by how well a classifier tells the two samples apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trimtab.data.row_sample import RowSample
from trimtab.data.sketch import Floats, Integers

BINS: Final = 16
"""Values of a column that trees can split between; the first is what is missing."""
LEAST_ROWS: Final = 100
"""Rows of either sample below which nothing is measured."""
_TREES: Final = 30
_RATE: Final = 0.3
_LEAST_LEAF: Final = 10.0
"""Weight of a leaf (rows times p times 1 - p, a quarter of the rows at first) that keeps it from growing noise."""
_CROSSED: Final = 1.3
"""How much wider the AUC spreads because each half judges what the other was taught: 1.27 over 80 unmoved pairs."""

Codes = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Separation:
    """``auc`` is the chance that a current row looks more current than a reference row: 0.5 when nothing moved."""

    auc: float
    p_value: float
    rows: int
    low: float = 0.0
    """Lower end of the AUC's interval at 95 % (Hanley and McNeil 1982)."""
    high: float = 1.0
    columns: Mapping[str, float] = field(default_factory=dict)
    """Share of the trees' gain by column, largest first: what tells the rows apart, while ``auc`` says how well."""

    def moved(self, limit: float = 0.6, alpha: float = 0.01) -> bool:
        """Whether rows can be told apart well enough to matter, and not by chance."""
        return self.auc > limit and self.p_value <= alpha


def separation(reference: RowSample, current: RowSample, columns: Sequence[str]) -> Separation | None:
    """How well rows of the two samples can be told apart by the columns together; None with too few rows.

    The two-sample test by classifier (Friedman 2003; Lopez-Paz and Oquab 2017): boosted trees of depth two learn on one
    half of the rows and are judged on the other, and the other way round; so what moves only jointly, such as a
    correlation of two columns, counts too. Evidence is Mann and Whitney's (1947) normal approximation, one-sided.

    Shapes: samples of any sizes with some columns in common. Range: AUC 0 to 1 (below 0.5 by chance), p-value 0 to 1.
    Numbers are cut at quantiles of both samples, of texts the 14 commonest count apart; what is missing is a value of
    its own, a constant column tells nothing. Limits: a thousand rows a side find an AUC of about 0.53 and more; what
    hides in rare levels or far tails stays hidden; a column that always moves on, as a time or a counter does,
    separates perfectly and should not be among the columns.
    """
    shared = [name for name in columns if name in reference.columns and name in current.columns]
    if min(len(reference), len(current)) < LEAST_ROWS or not shared:
        return None
    codes = np.column_stack([_codes(reference.columns[name] + current.columns[name]) for name in shared])
    labels = np.repeat([0.0, 1.0], [len(reference), len(current)])
    folds = np.concatenate([np.arange(len(reference)), np.arange(len(current))]) % 2
    gains = np.zeros(len(shared))
    aucs = []
    for fold in (0, 1):
        held_out = folds == fold
        scores = _boosted(codes[~held_out], labels[~held_out], codes[held_out], gains)
        aucs.append(_auc(scores, labels[held_out]))
    auc = sum(aucs) / 2
    spread = _CROSSED * math.sqrt((len(labels) + 1) / (12 * len(reference) * len(current)))
    p_value = 0.5 * math.erfc((auc - 0.5) / spread / math.sqrt(2))
    return Separation(auc, p_value, len(labels), *_interval(auc, len(reference), len(current)), _told(shared, gains))


def _told(columns: Sequence[str], gains: Floats) -> dict[str, float]:
    """Share of all gain by column, largest first; columns without any are left out."""
    total = float(gains.sum())
    found = {name: float(gain) / total for name, gain in zip(columns, gains, strict=True) if gain > 0}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _interval(auc: float, reference_rows: int, current_rows: int) -> tuple[float, float]:
    """95 %, from the variance of the AUC of two exponential samples (Hanley and McNeil 1982)."""
    one, other = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (current_rows - 1) * (one - auc**2) + (reference_rows - 1) * (other - auc**2)
    half = 1.96 * _CROSSED * math.sqrt(max(variance, 0.0) / (reference_rows * current_rows))
    return max(auc - half, 0.0), min(auc + half, 1.0)


def _codes(values: Sequence[Any]) -> Codes:
    """A number from 0 to 15 for every value; 0 is missing."""
    if any(isinstance(value, str) for value in values):
        return _level_codes(values)
    numbers = np.array([math.nan if value is None else float(value) for value in values])
    present = ~np.isnan(numbers)
    if not present.any():
        return np.zeros(len(numbers), np.intp)
    cuts = np.unique(np.quantile(numbers[present], np.linspace(0, 1, BINS)[1:-1]))
    return np.where(present, np.searchsorted(cuts, numbers, side="right") + 1, 0)


def _level_codes(values: Sequence[Any]) -> Codes:
    counts: dict[Any, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    counts.pop(None, None)
    commonest = sorted(counts, key=lambda level: (-counts[level], level))[: BINS - 2]
    places: Mapping[Any, int] = {level: place + 1 for place, level in enumerate(commonest)} | {None: 0}
    return np.array([places.get(value, BINS - 1) for value in values], np.intp)


def _boosted(codes: Codes, labels: Floats, others: Codes, gains: Floats) -> Floats:
    """Scores of ``others`` by logistic boosting (Friedman 2001, with Newton leaves) of trees of depth two.

    What each column's splits have gained is added to ``gains``.
    """
    margin, answer = np.zeros(len(codes)), np.zeros(len(others))
    for _ in range(_TREES):
        chance = 1 / (1 + np.exp(-margin))
        gradient, weight = labels - chance, chance * (1 - chance)
        tree = _Tree(codes, gradient, weight)
        margin += _RATE * tree.values_of(codes)
        answer += _RATE * tree.values_of(others)
        gains += tree.gains
    return answer


class _Tree:
    """Three splits and four leaves."""

    def __init__(self, codes: Codes, gradient: Floats, weight: Floats) -> None:
        self.gains = np.zeros(codes.shape[1])
        everywhere = np.ones(len(codes), bool)
        self._splits = [self._split(codes, gradient, weight, everywhere)]
        upper = _is_above(codes, self._splits[0])
        self._splits += [self._split(codes, gradient, weight, side) for side in (~upper, upper)]
        leaves = self._leaves_of(codes)
        pulls = np.bincount(leaves, gradient, 4)
        self._values = pulls / (np.bincount(leaves, weight, 4) + 1.0)

    def _split(self, codes: Codes, gradient: Floats, weight: Floats, rows: npt.NDArray[np.bool_]) -> tuple[int, int]:
        column, code, gain = _best_split(codes, gradient, weight, rows)
        self.gains[column] += gain
        return column, code

    def _leaves_of(self, codes: Codes) -> Integers:
        upper = _is_above(codes, self._splits[0])
        inner = np.where(upper, _is_above(codes, self._splits[2]), _is_above(codes, self._splits[1]))
        return np.asarray(2 * upper + inner, np.int64)

    def values_of(self, codes: Codes) -> Floats:
        """What the tree adds to the score of every row."""
        return self._values[self._leaves_of(codes)]


def _is_above(codes: Codes, split: tuple[int, int]) -> npt.NDArray[np.bool_]:
    return np.asarray(codes[:, split[0]] > split[1])


def _best_split(codes: Codes, gradient: Floats, weight: Floats, rows: npt.NDArray[np.bool_]) -> tuple[int, int, float]:
    """Column and code after which the rows are best parted, and what that gains over not parting them.

    Without gain it parts nothing, when no leaf would be big enough.
    """
    columns = codes.shape[1]
    cells = (codes[rows] + BINS * np.arange(columns)).ravel()
    pull, mass = (
        np.bincount(cells, np.repeat(values[rows], columns), BINS * columns).reshape(columns, BINS).cumsum(axis=1)
        for values in (gradient, weight)
    )
    rest_pull, rest_mass = pull[:, -1:] - pull, mass[:, -1:] - mass
    gain = pull**2 / (mass + 1.0) + rest_pull**2 / (rest_mass + 1.0)
    gain[(mass < _LEAST_LEAF) | (rest_mass < _LEAST_LEAF)] = -1.0
    best = int(np.argmax(gain))
    column, code = best // BINS, best % BINS
    if gain.flat[best] <= 0:
        return 0, BINS, 0.0
    whole = float(pull[column, -1] ** 2 / (mass[column, -1] + 1.0))
    return column, code, max(float(gain.flat[best]) - whole, 0.0)


def _auc(scores: Floats, labels: Floats) -> float:
    """Chance that a row of label 1 scores higher than one of label 0; ties count half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    ones = int(labels.sum())
    return float((ranks[labels == 1].sum() - ones * (ones + 1) / 2) / (ones * (len(labels) - ones)))
