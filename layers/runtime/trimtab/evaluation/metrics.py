"""Metrics of a binary classifier, for one weighting of the rows or for many at once.

Definitions follow Fawcett (2006), "An introduction to ROC analysis", for AUC (ties count one half), scikit-learn's
documentation for average precision, log loss, the Brier score and F-beta, and Guo et al. (2017) for the expected
calibration error (ten bins of equal width).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.directions import METRIC_NAMES
from trimtab.evaluation.tallies import Bins, Groups, sums_by_group

Floats = NDArray[np.float64]
Weights = NDArray[Any]
"""How often each row counts, shape (rounds, n), never negative; small integers are fastest."""
THRESHOLD: Final = 0.5
CALIBRATION_BINS: Final = 10
BLOCK_ROWS: Final = 16_384
"""Rows that are summed at once: what stays in the processor's cache is many times as fast at a million rows."""
TINY: Final = 1e-300
"""Stands for 0 below a fraction whose upper part is 0 too."""
_SUMS: Final = ("log_loss", "brier", "accuracy", "found", "called", "gap")


def measure(
    label: NDArray[Any], score: NDArray[Any], threshold: float = THRESHOLD, beta: float = 1.0
) -> dict[str, float]:
    """Every metric of ``score`` (probabilities, shape (n,)) against ``label`` (0 or 1, shape (n,)).

    Accuracy calls a row positive from 0.5 on, F-beta from ``threshold`` on. AUC and average precision are NaN when a
    class is missing, F-beta when nothing is positive or called so; everything is NaN without rows, or when any score
    is no probability (not finite, below 0 or above 1).
    """
    ones = np.ones((1, len(label)))
    scored = Scored.of(label, score, threshold, beta)
    return {name: float(values[0]) for name, values in scored.measure(ones).items()}


@dataclass(frozen=True)
class Scored:
    """Rows in descending order of their score, ready to be weighted in many ways."""

    order: NDArray[np.intp]
    positive: Floats
    starts: NDArray[np.intp]
    """First row of each group of equal scores."""
    sums: Floats
    """What each row adds to the sums named in _SUMS, shape (n, 6)."""
    blocks: list[tuple[int, int, int]]
    """Parts that fit a processor's cache: first row, row behind the last, bin of the calibration error."""
    usable: bool
    """Whether every score is a probability."""
    beta: float

    @classmethod
    def of(cls, label: NDArray[Any], score: NDArray[Any], threshold: float = THRESHOLD, beta: float = 1.0) -> "Scored":
        """``label`` holds 0 and 1; both have shape (n,)."""
        score = np.asarray(score, dtype=np.float64)
        order = np.argsort(-score, kind="stable")
        ranked, positive = score[order], np.asarray(label, dtype=np.float64)[order]
        changes = ranked[1:] != ranked[:-1]
        starts = np.flatnonzero(np.r_[True, changes]) if len(ranked) else np.empty(0, np.intp)
        return cls(
            order=order,
            positive=positive,
            starts=starts,
            sums=_sums(positive, ranked, threshold),
            blocks=_blocks(ranked, starts),
            usable=bool(((ranked >= 0) & (ranked <= 1)).all()),
            beta=beta,
        )

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights``; results have shape (rounds,)."""
        if not self.usable or not len(self.positive):
            return {name: np.full(len(weights), np.nan) for name in METRIC_NAMES}
        so_far = _Running(len(weights))
        for low, high, place in self.blocks:
            counted = np.take(weights, self.order[low:high], axis=1).astype(np.float64, copy=False)
            gained = counted * self.positive[low:high]
            so_far.add_sums(counted @ self.sums[low:high], place)
            first, last = np.searchsorted(self.starts, (low, high))
            if last - first < high - low:
                groups = self.starts[first:last] - low
                counted, gained = (np.add.reduceat(each, groups, axis=1) for each in (counted, gained))
            so_far.add_groups(counted, gained)
        return so_far.metrics(self.beta)

    def tallied(self, group: Groups, groups: int) -> "TalliedScored":
        """The same rows, to be weighted by their groups."""
        return TalliedScored(self, Bins.of(self.starts, len(self.positive)), group[self.order], groups)


@dataclass(frozen=True)
class TalliedScored:
    """Rows that are weighted by the group; AUC and average precision take the scores of a bin for equal."""

    rows: Scored
    bins: Bins
    group: Groups
    """In the order of the scores."""
    groups: int

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights``, shape (rounds, groups); results have shape (rounds,)."""
        if not self.rows.usable:
            return {name: np.full(len(weights), np.nan) for name in METRIC_NAMES}
        so_far = _Running(len(weights))
        for place, part in self._calibration_bins():
            sums = sums_by_group(self.rows.sums[part], self.group[part], self.groups)
            so_far.add_sums(weights @ sums, place)
        every = self.bins.counts(None, self.group, self.groups)
        hits = self.bins.counts(self.rows.positive, self.group, self.groups)
        small = weights.astype(np.float32)
        for counted, gained in zip(every, hits, strict=True):
            so_far.add_groups((small @ counted).astype(np.float64), (small @ gained).astype(np.float64))
        return so_far.metrics(self.rows.beta)

    def _calibration_bins(self) -> Iterator[tuple[int, slice]]:
        for place in range(CALIBRATION_BINS):
            ends = [(low, high) for low, high, bin_of in self.rows.blocks if bin_of == place]
            if ends:
                yield place, slice(ends[0][0], ends[-1][1])


class _Running:
    """Sums over the rows from the highest score down, for each round."""

    def __init__(self, rounds: int) -> None:
        self._hits, self._every, self._area, self._precision = np.zeros((4, rounds, 1))
        self._sums = np.zeros((rounds, len(_SUMS)))
        self._gaps = np.zeros((CALIBRATION_BINS, rounds))

    def add_sums(self, sums: Floats, place: int) -> None:
        """The next rows' sums, shape (rounds, sums); all of them lie in one bin."""
        self._sums += sums
        self._gaps[place] += sums[:, -1]

    def add_groups(self, counted: Floats, gained: Floats) -> None:
        """The next groups of equal scores: their weight and that of their positives, shape (rounds, groups)."""
        hits, every = np.cumsum(gained, axis=1), np.cumsum(counted, axis=1)
        hits += self._hits
        every += self._every
        self._hits, self._every = hits[:, -1:].copy(), every[:, -1:].copy()
        np.maximum(every, TINY, out=every)
        self._precision[:, 0] += np.einsum("rg,rg->r", np.divide(hits, every, out=every), gained)
        # of a group's own negatives half count as below its positives
        hits -= gained / 2
        self._area[:, 0] += np.einsum("rg,rg->r", np.subtract(counted, gained), hits)

    def metrics(self, beta: float) -> dict[str, Floats]:
        hits, total = self._hits[:, 0], self._every[:, 0]
        sums = dict(zip(_SUMS, self._sums.T, strict=True))
        square = beta * beta
        found = {name: sums[name] / total for name in ("log_loss", "brier", "accuracy")}
        found |= {
            "auc": _ratio(self._area[:, 0], hits * (total - hits)),
            "average_precision": _ratio(self._precision[:, 0], hits),
            "f_beta": _ratio((1 + square) * sums["found"], square * hits + sums["called"]),
            "calibration_error": np.abs(self._gaps).sum(axis=0) / total,
        }
        return {name: found[name] for name in METRIC_NAMES}


def _blocks(score: Floats, starts: NDArray[np.intp]) -> list[tuple[int, int, int]]:
    """Cuts of the descending scores at bins and about every BLOCK_ROWS rows, never within equal scores."""
    n = len(score)
    levels = np.arange(1, CALIBRATION_BINS) / CALIBRATION_BINS
    bins = n - np.searchsorted(score[::-1], levels, side="left")
    aims = np.searchsorted(starts, np.arange(BLOCK_ROWS, n, BLOCK_ROWS))
    steps = starts[aims[aims < len(starts)]]
    cuts = np.unique(np.r_[0, bins, steps, n])
    places = np.searchsorted(levels, score[cuts[:-1]], side="right")
    return [(int(low), int(high), int(p)) for low, high, p in zip(cuts[:-1], cuts[1:], places, strict=True)]


def _sums(label: Floats, score: Floats, threshold: float) -> Floats:
    edge = np.finfo(np.float64).eps
    likely = np.clip(np.where(label == 1, score, 1 - score), edge, 1 - edge)
    called = score >= threshold
    right = (score >= THRESHOLD) == (label == 1)
    found = called & (label == 1)
    return np.column_stack([-np.log(likely), (score - label) ** 2, right, found, called, label - score])


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where there is nothing to divide by."""
    undefined: Floats = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=undefined, where=whole > 0)
