"""From which score on a binary model says yes. Chosen on training rows, never on the hold-out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import THRESHOLD, Floats

TAIL_ROWS = 10_000
"""At most this many of the newest training rows are scored for the choice."""
TAIL_SHARE = 0.25
CHOSEN_ON = "newest training rows"


def tail(n: int) -> slice:
    """The newest of ``n`` training rows in order of time, on which the threshold is chosen."""
    return slice(n - min(TAIL_ROWS, max(1, round(n * TAIL_SHARE))) if n else 0, n)


def best_threshold(label: NDArray[Any], score: NDArray[Any], beta: float) -> float:
    """The score from which on F-beta is largest (the highest such one); both have shape (n,).

    0.5 when there are no rows, no positive one, or a score that is no number. The candidate has learned from these
    rows, so the choice may be a little off its best; what the hold-out says of it is unbiased all the same.
    """
    score = np.asarray(score, dtype=np.float64)
    positive = np.asarray(label) == 1
    if not positive.any() or not np.isfinite(score).all():
        return THRESHOLD
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    found: Floats = np.cumsum(positive[order])[ends].astype(np.float64)
    square = beta * beta
    values = (1 + square) * found / (square * positive.sum() + ends + 1)
    return float(ranked[ends[int(np.argmax(values))]])
