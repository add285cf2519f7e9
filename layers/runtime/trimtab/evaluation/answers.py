"""What models answered, as numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.metrics import Floats
from trimtab.measures import MULTICLASS

Record = Mapping[str, Any]


def as_scores(records: Sequence[Record], kind: Kind) -> Floats:
    """Shape (n,), or (n, k) in the order of the kind's classes; NaN where a model gave no number.

    A class that an answer leaves out has probability 0: the model does not know it.
    """
    if kind.problem != MULTICLASS:
        return np.fromiter((_number(record.get("score")) for record in records), np.float64, len(records))
    row = np.dtype((np.float64, len(kind.classes)))
    return np.fromiter((_distribution(record.get("scores"), kind.classes) for record in records), row, len(records))


def answered_classes(records: Sequence[Record]) -> tuple[str, ...]:
    """The classes that the first answer names, in its order."""
    scores = records[0].get("scores") if len(records) else None
    return tuple(scores) if isinstance(scores, Mapping) else ()


def confidence_of(scores: NDArray[Any]) -> Floats:
    """One number a row: the score itself, or the probability of the likeliest class; shape (n,)."""
    return scores if scores.ndim == 1 else np.asarray(scores.max(axis=1, initial=0.0))


def _distribution(scores: Any, classes: Sequence[str]) -> list[float]:
    if not isinstance(scores, Mapping):
        return [float("nan")] * len(classes)
    return [_number(scores.get(name, 0.0)) for name in classes]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else float("nan")
