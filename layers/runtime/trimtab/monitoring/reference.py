"""What an evaluation found of a version: what its windows are compared with, and how sure that is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from trimtab.evaluation.bootstrap import Estimate
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.metrics import THRESHOLD
from trimtab.evaluation.proportions import z_of

CONFIDENCE = 0.95
"""Of intervals, where an evaluation does not say with which confidence it made its own."""
EVIDENCE = 0.9
"""How sure, one-sided, a drop must be no chance. It must be larger than a limit besides; at 0.975 the April of flights,
whose bad days come in runs, is not told from chance (z is 1.6), and windows that fell are missed more often."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Reference:
    """An evaluation as monitoring reads it; an old one, or none, lacks what it did not measure."""

    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Sequence[float | None]] = field(default_factory=dict)
    confidence: float = CONFIDENCE
    threshold: float = THRESHOLD
    slices: Sequence[Json] = ()
    """Declared slices of the hold-out with their metrics and the primary one's interval."""
    calibration: Mapping[str, Any] = field(default_factory=dict)
    design_effect: float = 1.0
    """How much more rows near in time are alike than independent ones, at least 1."""

    @classmethod
    def of(cls, published: Mapping[str, float], evaluation: Json | None) -> "Reference":
        """From the metrics of a published baseline and the evaluation that it was made from."""
        if evaluation is None:
            return cls(published)
        drawn = evaluation.get("bootstrap") or {}
        effect = (drawn.get("blocks") or {}).get("design_effect")
        return cls(
            metrics=published,
            intervals=(evaluation.get("intervals") or {}).get("candidate") or {},
            confidence=float(drawn.get("confidence") or CONFIDENCE),
            threshold=float((evaluation.get("threshold") or {}).get("value", THRESHOLD)),
            slices=[each for each in evaluation.get("slices") or () if each["declared"]],
            calibration=evaluation.get("calibration") or {},
            design_effect=max(1.0, float(effect or 1.0)),
        )

    def of_metric(self, name: str) -> Estimate | None:
        """The value at evaluation with its interval, NaN where it had none; None when it was not measured."""
        if name not in self.metrics:
            return None
        return estimate_of(self.metrics[name], self.intervals.get(name))


def estimate_of(value: float, interval: Sequence[float | None] | None) -> Estimate:
    """A value and the interval that a report gives for it."""
    low, high = (math.nan if end is None else float(end) for end in interval or (None, None))
    return Estimate(float(value), low, high)


@dataclass(frozen=True)
class Shortfall:
    """How much worse a metric is than it was, and whether chance explains that."""

    drop: float
    """Positive when it is worse; in the metric's unit, or as a share of the value at evaluation."""
    error: float
    """Standard error of the drop, of both sides where both are known; NaN when the value now has none."""
    confidence: float = CONFIDENCE

    @classmethod
    def of(cls, metric: str, now: Estimate, then: Estimate, confidence: float) -> "Shortfall":
        """What ``then`` was has become ``now``; a value at evaluation without an interval counts as exact."""
        away = then.value - now.value if HIGHER_IS_BETTER[metric] else now.value - then.value
        before = standard_error(then, confidence)
        return cls(away, math.hypot(standard_error(now, confidence), 0.0 if math.isnan(before) else before), confidence)

    def of_value(self, then: float, drop_in: str) -> "Shortfall":
        """The same, as a share of the value at evaluation where drops are measured so; NaN of one not above 0."""
        if drop_in == "metric":
            return self
        whole = then if then > 0 else math.nan
        return Shortfall(self.drop / whole, self.error / whole, self.confidence)

    @property
    def interval(self) -> tuple[float, float]:
        """By the normal approximation; NaN where there is no error."""
        half = z_of(self.confidence) * self.error
        return self.drop - half, self.drop + half

    @property
    def reading(self) -> float | None:
        """What an alarm sees: the drop when it is more than chance (EVIDENCE), and else at most 0.

        None without an error: what cannot be told from chance is not judged.
        """
        if math.isnan(self.error):
            return None
        least = NormalDist().inv_cdf(EVIDENCE) * self.error
        return self.drop if self.drop > least else min(self.drop, 0.0)


def standard_error(estimate: Estimate, confidence: float) -> float:
    """Half an interval's width in normal quantiles; NaN without one."""
    return (estimate.hi - estimate.lo) / (2 * z_of(confidence))
