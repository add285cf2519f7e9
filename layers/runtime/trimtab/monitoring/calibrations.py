"""How labels follow from scores, as a version's evaluation saw it: what estimates without truth draw labels by.

Each kind of problem has one. All of them are read from the evaluation's section ``calibration``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from trimtab.evaluation.bootstrap import Estimate
from trimtab.evaluation.kinds import Kind
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.proportions import bonferroni, z_of
from trimtab.measures import BINARY, MULTICLASS, REGRESSION, names_of
from trimtab.monitoring.answered import probabilities
from trimtab.monitoring.records import SCORES
from trimtab.monitoring.reference import Reference, standard_error
from trimtab.spec import Spec

EDGE = 1e-6
OF_NUMBERS = ("rmse", "r2")
"""What the spread of errors tells; other metrics of numbers need its shape."""


class Calibration(Protocol):
    """Draws labels that agree with scores."""

    @property
    def kind(self) -> Kind: ...

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that follow from it."""
        ...

    def draw(self, scores: Floats, generator: np.random.Generator) -> NDArray[Any]:
        """Labels of scores (shape (n,) or (n, k)), shape (n,)."""
        ...

    def redrawn(self, generator: np.random.Generator) -> "Calibration":
        """The same with other figures, as likely as the evaluation's interval says."""
        ...


def calibration_of(records: pa.Table, reference: Reference, spec: Spec) -> Calibration | str:
    """The calibration of a version, or why its evaluation does not tell it."""
    if spec.problem == MULTICLASS:
        return _of_classes(records, spec)
    return _of_probabilities(reference, spec) if spec.problem == BINARY else _of_numbers(reference, spec)


@dataclass(frozen=True)
class ProbabilityCalibration:
    """Log odds moved along Cox's line (1958): intercept + slope times the log odds of the score.

    Intercept and slope are redrawn apart from each other, which overstates how unsure they are.
    """

    kind: Kind
    intercept: float
    slope: float
    errors: tuple[float, float]
    """Standard errors of both."""

    @property
    def metrics(self) -> tuple[str, ...]:
        return self.kind.metrics

    def draw(self, scores: Floats, generator: np.random.Generator) -> NDArray[Any]:
        likely = np.clip(scores, EDGE, 1 - EDGE)
        odds = self.intercept + self.slope * np.log(likely / (1 - likely))
        return (generator.random(len(scores)) < 1 / (1 + np.exp(-odds))).astype(np.float64)

    def redrawn(self, generator: np.random.Generator) -> "ProbabilityCalibration":
        intercept, slope = generator.normal((self.intercept, self.slope), self.errors)
        return replace(self, intercept=float(intercept), slope=float(slope))


def _of_probabilities(reference: Reference, spec: Spec) -> ProbabilityCalibration | str:
    found = [_number(reference.calibration.get(name), reference.confidence) for name in ("intercept", "slope")]
    if found[0] is None or found[1] is None:
        return "the evaluation could not tell how well its scores are calibrated"
    (intercept, its_error), (slope, other_error) = found[0], found[1]
    kind = Kind(spec.problem, spec.evaluation.primary, beta=spec.evaluation.threshold.beta)
    return ProbabilityCalibration(kind, intercept, slope, (its_error, other_error))


def _number(found: Mapping[str, Any] | None, confidence: float) -> tuple[float, float] | None:
    """Value and standard error of one number of a fitted line."""
    if not found or found.get("value") is None:
        return None
    value = Estimate(found["value"], found["lo"], found["hi"])
    return value.value, standard_error(value, confidence)


@dataclass(frozen=True)
class NumberCalibration:
    """Errors (label less prediction) by bins of the prediction: their mean and their spread, shape (bins,) each.

    Errors are drawn as normal ones. So is the spread's own uncertainty, which is too small for errors with long tails.
    """

    kind: Kind
    edges: Floats
    """Lower edges of all bins but the first, shape (bins - 1,)."""
    rows: Floats
    mean: Floats
    spread: Floats
    metrics: tuple[str, ...] = OF_NUMBERS

    def draw(self, scores: Floats, generator: np.random.Generator) -> NDArray[Any]:
        place = np.searchsorted(self.edges, scores, side="right")
        return np.asarray(scores + generator.normal(self.mean[place], self.spread[place]))

    def redrawn(self, generator: np.random.Generator) -> "NumberCalibration":
        mean = generator.normal(self.mean, self.spread / np.sqrt(self.rows))
        spread = self.spread * np.abs(generator.normal(1, 1 / np.sqrt(2 * self.rows)))
        return replace(self, mean=mean, spread=spread)


def _of_numbers(reference: Reference, spec: Spec) -> NumberCalibration | str:
    bins = reference.calibration.get("bins") or []
    if not bins:
        return "the evaluation could not tell how large errors are at which predictions"
    rows = np.array([each["n"] for each in bins], dtype=np.float64)
    z = z_of(bonferroni(reference.confidence, len(bins)))
    return NumberCalibration(
        kind=Kind(REGRESSION, spec.evaluation.primary, quantile=spec.evaluation.quantile),
        edges=np.array([each["low"] for each in bins[1:]], dtype=np.float64),
        rows=rows,
        mean=np.array([each["observed"] - each["predicted"] for each in bins]),
        spread=np.array([each["half"] for each in bins]) * np.sqrt(rows) / z,
    )


@dataclass(frozen=True)
class ClassCalibration:
    """Probabilities of classes taken as they are: no evaluation says how to correct all of them at once."""

    kind: Kind
    metrics: tuple[str, ...] = names_of(MULTICLASS)

    def draw(self, scores: Floats, generator: np.random.Generator) -> NDArray[Any]:
        reached = np.cumsum(scores, axis=1)
        return np.asarray(np.minimum((reached < generator.random((len(scores), 1))).sum(axis=1), scores.shape[1] - 1))

    def redrawn(self, generator: np.random.Generator) -> "ClassCalibration":
        return self


def _of_classes(records: pa.Table, spec: Spec) -> ClassCalibration | str:
    if SCORES not in records.column_names or not records.num_rows:
        return "no answer names a probability of each class"
    return ClassCalibration(Kind(MULTICLASS, spec.evaluation.primary, probabilities(records)[1]))
