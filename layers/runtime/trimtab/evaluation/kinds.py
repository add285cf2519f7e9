"""What the kinds of problem differ in: how labels are read, rows are measured, drawn and held to account."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trimtab.evaluation.directions import HIGHER_IS_BETTER, names_of
from trimtab.evaluation.metrics import THRESHOLD, Floats, Scored, Weights
from trimtab.evaluation.multiclass import ClassScored, is_distribution
from trimtab.evaluation.regression import NumberScored
from trimtab.evaluation.tallies import Groups
from trimtab.measures import BINARY, MULTICLASS, REGRESSION

EDGE = float(np.finfo(np.float64).eps)


class Measurable(Protocol):
    """What can be measured under many weightings."""

    def measure(self, weights: Weights) -> dict[str, Floats]:
        """Each metric for each row of ``weights`` (shape (rounds, n)); results have shape (rounds,)."""
        ...


class Weighable(Measurable, Protocol):
    """Rows and what a model made of them."""

    def tallied(self, group: Groups, groups: int) -> Measurable:
        """The same by group: weights then have shape (rounds, groups)."""
        ...


@dataclass(frozen=True)
class Kind:
    """A problem as the evaluation sees it.

    Scores have shape (n,) for binary (probability of 1) and regression (the number), and (n, k) for multiclass
    (probabilities in the order of ``classes``). Labels are 0 and 1, positions of classes, or numbers, shape (n,).
    """

    problem: str
    primary: str
    classes: tuple[str, ...] = ()
    beta: float = 1.0
    quantile: float = 0.5

    @property
    def metrics(self) -> tuple[str, ...]:
        return names_of(self.problem)

    @property
    def higher_is_better(self) -> bool:
        """Whether more of the primary metric is better."""
        return HIGHER_IS_BETTER[self.primary]

    def scored(self, label: NDArray[Any], score: NDArray[Any], threshold: float = THRESHOLD) -> Weighable:
        """The rows of one model, ready to be measured; ``threshold`` only matters to a binary model's F-beta."""
        if self.problem == MULTICLASS:
            return ClassScored.of(label, score)
        if self.problem == REGRESSION:
            return NumberScored.of(label, score, self.quantile)
        return Scored.of(label, score, threshold, self.beta)

    def measure(self, label: NDArray[Any], score: NDArray[Any], threshold: float = THRESHOLD) -> dict[str, float]:
        """Every metric of the kind on the rows as they are; NaN where it is undefined."""
        found = self.scored(label, score, threshold).measure(np.ones((1, len(label))))
        return {name: float(values[0]) for name, values in found.items()}

    def strata(self, label: NDArray[Any]) -> NDArray[np.intp]:
        """Group of each row within which rows are drawn: its class, or one for all numbers; shape (n,)."""
        if self.problem == REGRESSION:
            return np.zeros(len(label), dtype=np.intp)
        return np.asarray(label, dtype=np.intp)

    def usable(self, score: NDArray[Any]) -> bool:
        """Whether every score is one: probabilities, distributions or finite numbers."""
        if self.problem == MULTICLASS:
            return is_distribution(score)
        if self.problem == REGRESSION:
            return bool(np.isfinite(score).all())
        return bool(((score >= 0) & (score <= 1)).all())

    def row_losses(self, label: NDArray[Any], score: NDArray[Any]) -> Floats:
        """What each row costs, shape (n,), never negative: log loss, or the absolute error of a number."""
        if self.problem == REGRESSION:
            return np.asarray(np.abs(label - score), dtype=np.float64)
        if self.problem == MULTICLASS:
            likely = np.take_along_axis(score, np.asarray(label, np.intp)[:, None], axis=1)[:, 0]
        else:
            likely = np.where(label == 1, score, 1 - score)
        return np.asarray(-np.log(np.clip(likely, EDGE, 1)), dtype=np.float64)

    def decisions(self, score: NDArray[Any], threshold: float) -> NDArray[np.intp]:
        """The class that each row is called, shape (n,). Numbers are not called anything."""
        if self.problem == BINARY:
            return np.asarray(score >= threshold, dtype=np.intp)
        return np.asarray(np.argmax(score, axis=1), dtype=np.intp)

    def codes(self, column: NDArray[Any]) -> Floats:
        """A label column as numbers: itself, or the positions of its values among ``classes``."""
        if self.problem != MULTICLASS:
            return column.astype(np.float64)
        places = {name: float(place) for place, name in enumerate(self.classes)}
        return np.array([places[class_name(value)] for value in column])


def class_values(columns: Sequence[NDArray[Any]]) -> list[Any]:
    """The values that occur in any of the label columns, in their natural order."""
    values = {value for column in columns for value in set(column.tolist()) if value is not None and value == value}
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def class_name(value: Any) -> str:
    """A label as the key of a served answer: a whole number without a fraction, everything else as Python writes it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
