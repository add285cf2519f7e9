"""Whether the records whose truth came are like those whose truth did not.

Labels that never come (a cancelled flight is never late) or come later for one outcome than for the other make what is
measured on the labelled a measure of something else. Truth itself cannot tell; the scores can: both sides have them.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.evaluation.metrics import Floats
from trimtab.monitoring.records import LABEL, SCORE

LEAST = 50
"""Fewer records on either side and nothing is compared."""
ALPHA = 0.01
WORTH_TELLING = 0.1
"""Distance of the two distributions from which on it is said: of many records every trifle is significant."""


@dataclass(frozen=True)
class Selection:
    """How far the scores of records with truth lie from those of records without."""

    labelled: int
    unlabelled: int
    distance: float
    """Kolmogorov and Smirnov's, 0 to 1: the largest difference of the two distribution functions."""
    p_value: float
    """Chance of such a distance although labels come whatever the score; asymptotic (Smirnov 1948)."""

    @property
    def selected(self) -> bool:
        """Truth has come for records of other scores than it is missing for, by more than chance and enough to tell."""
        return self.p_value < ALPHA and self.distance >= WORTH_TELLING

    def to_json(self) -> dict[str, Any]:
        return {
            "labelled": self.labelled,
            "unlabelled": self.unlabelled,
            "distance": self.distance,
            "p_value": self.p_value,
            "selected": self.selected,
        }


def selection(records: pa.Table) -> Selection | None:
    """Of one version's records; None where either side has too few."""
    known = records.column(LABEL).is_valid()
    with_truth = _scores(records.filter(known))
    without = _scores(records.filter(pc.invert(known)))
    if min(len(with_truth), len(without)) < LEAST:
        return None
    distance = _distance(with_truth, without)
    return Selection(len(with_truth), len(without), distance, _p_value(distance, len(with_truth), len(without)))


def _scores(records: pa.Table) -> Floats:
    scores = np.asarray(records.column(SCORE).to_numpy(), dtype=np.float64)
    return np.sort(scores[np.isfinite(scores)])


def _distance(one: Floats, other: Floats) -> float:
    both = np.concatenate([one, other])
    shares = [np.searchsorted(side, both, side="right") / len(side) for side in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def _p_value(distance: float, n: int, m: int) -> float:
    """Kolmogorov's distribution with Stephens' correction (1970)."""
    root = math.sqrt(n * m / (n + m))
    reached = (root + 0.12 + 0.11 / root) * distance
    if reached < 0.2:
        return 1.0
    terms = ((1.0 if k % 2 else -1.0) * math.exp(-2 * k * k * reached * reached) for k in range(1, 101))
    return min(1.0, max(0.0, 2 * sum(terms)))
