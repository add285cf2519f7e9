"""From which score on a binary model says yes. Chosen on training rows, never on the hold-out.

The training job leaves a choice made on rows that a second fit did not learn from. Artifacts without one, and the
baselines, are looked at here.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.metrics import THRESHOLD, Floats

TAIL_ROWS = 10_000
"""At most this many of the newest training rows are scored for the choice."""
TAIL_SHARE = 0.25
LEARNED_ROWS = "newest training rows"
VALIDATION_ROWS = "training rows that a second fit did not learn from"
THRESHOLD_FILE = "threshold.json"
"""The training job's choice, in the model's folder."""


@dataclass(frozen=True)
class Chosen:
    """A threshold, and the rows that it was chosen on."""

    value: float
    rows: int
    chosen_on: str | None
    """None for one that model.yaml fixes."""


def stored_choice(folder: Path, beta: float) -> Chosen | None:
    """What the training job chose for this F-beta; None where it chose nothing, or nothing that is a probability."""
    path = folder / THRESHOLD_FILE
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        value, same = float(found["value"]), float(found["beta"]) == beta
        rows = int(found["rows"])
    except (ValueError, KeyError, TypeError):
        return None
    return Chosen(value, rows, VALIDATION_ROWS) if same and math.isfinite(value) and 0 <= value <= 1 else None


def tail(n: int) -> slice:
    """The newest of ``n`` training rows in order of time, on which the threshold is chosen."""
    return slice(n - min(TAIL_ROWS, max(1, round(n * TAIL_SHARE))) if n else 0, n)


def best_threshold(label: NDArray[Any], score: NDArray[Any], beta: float) -> float:
    """The score from which on F-beta is largest (the highest such one); both have shape (n,).

    0.5 when there are no rows, no positive one, or a score that is no number. Where a model has learned from these
    rows, the choice may be off its best; what the hold-out says of it is unbiased all the same.
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
