"""Performance before truth has come: what the metrics would be if the scores still meant what they meant.

A calibrated score says how often it will be right, so labels can be drawn that agree with the scores, and each metric
measured on many such draws (for accuracy that is confidence-based performance estimation: Garg et al. 2022, and
NannyML's CBPE). Scores are first corrected by what the evaluation found of their calibration. What an estimate cannot
see is concept drift: a world in which the same rows have other outcomes looks the same in the scores. It is therefore
called an estimate wherever it stands, and is later held against what came.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.data.profile import NumberProfile, Profile
from trimtab.evaluation.bootstrap import Estimate
from trimtab.evaluation.metrics import Floats
from trimtab.evaluation.proportions import z_of
from trimtab.measures import MULTICLASS
from trimtab.monitoring.answered import probabilities, sample
from trimtab.monitoring.calibrations import Calibration, calibration_of
from trimtab.monitoring.records import SCORE
from trimtab.monitoring.reference import Reference, Shortfall, standard_error
from trimtab.monitoring.usable import too_many, usable
from trimtab.spec import Spec

ROUNDS = 80
MOST_ROWS = 10_000
"""Rows that labels are drawn for; the interval is scaled to the window's own number."""
REFERENCE_ROWS = 2_000
"""Quantiles of the scores at evaluation that the same estimate is made of."""
Json = dict[str, Any]


@dataclass(frozen=True)
class PerformanceEstimate:
    """The spec's metric of a window's records, estimated; or in words why not."""

    metric: str
    rows: int
    value: Estimate | None = None
    """With the interval in which the metric on these very records would lie; it holds for unchanged concepts only."""
    shortfall: Shortfall | None = None
    """Against the same estimate at evaluation; None when the metric was not measured there."""
    reason: str = ""

    def to_json(self) -> Json:
        found, fallen = self.value, self.shortfall
        return {
            "metric": self.metric,
            "rows": self.rows,
            "reason": self.reason,
            "estimate": found.value if found else None,
            "interval": [found.lo, found.hi] if found else None,
            "estimate_drop": fallen.drop if fallen else None,
            "estimate_error": fallen.error if fallen else None,
            "estimate_reading": fallen.reading if fallen else None,
        }


def estimate(records: pa.Table, reference: Reference, scores: Profile | None, spec: Spec) -> PerformanceEstimate:
    """Of one version's records; ``scores`` is the profile of the scores at evaluation."""
    name, rows, seed = spec.monitoring.quality.metric, records.num_rows, spec.training.seed
    if rows < spec.monitoring.min_rows:
        return PerformanceEstimate(name, rows, reason=f"{rows} rows, fewer than {spec.monitoring.min_rows}")
    drawn_from = sample(records, MOST_ROWS, seed)
    taken = usable(drawn_from, spec)
    if many := too_many(drawn_from.num_rows - taken.num_rows, drawn_from.num_rows, spec):
        return PerformanceEstimate(name, rows, reason=many)
    found = calibration_of(taken, reference, spec)
    if isinstance(found, str):
        return PerformanceEstimate(name, rows, reason=found)
    if name not in found.metrics:
        return PerformanceEstimate(name, rows, reason=f"{name} does not follow from the spread of errors alone")
    simulation = Simulation(found, name, reference.threshold, seed)
    drawn = simulation.run(_served(taken, spec))
    if drawn is None:
        return PerformanceEstimate(name, rows, reason=f"{name} is undefined on labels that agree with the scores")
    # rows near in time that are wrong together make the metric on them as uncertain as fewer independent rows would
    error = drawn.error(taken.num_rows / rows * reference.design_effect)
    value, fallen = _against(drawn.mean, error, simulation.at_evaluation(scores), reference, name)
    then = reference.metrics.get(name)
    if fallen is not None and then is not None:
        fallen = fallen.of_value(then, spec.monitoring.quality.drop_in)
    return PerformanceEstimate(name, rows, value, fallen)


def held_against(estimated: Mapping[str, Any], realised: float | None) -> Json | None:
    """What an estimate has come to: the metric on truth, by how much it was missed, and whether it was within."""
    value, interval = estimated.get("estimate"), estimated.get("interval")
    if value is None or interval is None or realised is None:
        return None
    within = bool(interval[0] <= realised <= interval[1])
    return {"value": realised, "missed_by": realised - value, "within": within}


def track_record(held: Sequence[Mapping[str, Any]]) -> Json:
    """How earlier estimates have done: the estimate's own calibration."""
    missed = [each["missed_by"] for each in held]
    return {
        "windows": len(held),
        "within": sum(each["within"] for each in held),
        "mean_missed_by": sum(missed) / len(missed) if missed else None,
    }


@dataclass(frozen=True)
class Drawn:
    """The metric over many draws of labels."""

    mean: float
    sampling: float
    """Standard deviation by the labels alone."""
    calibration: float
    """That by what the evaluation does not know of the calibration."""

    def error(self, share: float) -> float:
        """Standard error for ``share`` times the sampling variance of the rows that were drawn for."""
        return math.hypot(self.sampling * math.sqrt(share), self.calibration)


@dataclass(frozen=True)
class Simulation:
    """Labels drawn by a calibration, and one metric measured on them; the same scores give the same."""

    calibration: Calibration
    metric: str
    threshold: float
    seed: int

    def run(self, scores: Floats) -> Drawn | None:
        """Of scores, shape (n,) or (n, k); None when the metric cannot be measured on them."""
        if not len(scores) or not self.calibration.kind.usable(scores):
            return None
        generator = np.random.default_rng([self.seed, 11])
        plain = self._draws(scores, generator)
        unsure = np.array(
            [self._measure(self.calibration.redrawn(generator), scores, generator) for _ in range(ROUNDS)]
        )
        if not (np.isfinite(plain).all() and np.isfinite(unsure).all()):
            return None
        sampling = float(plain.std(ddof=1))
        return Drawn(float(plain.mean()), sampling, math.sqrt(max(0.0, float(unsure.var(ddof=1)) - sampling**2)))

    def at_evaluation(self, scores: Profile | None) -> float | None:
        """The same metric for the scores at evaluation; None where those are not known as they were served."""
        column = scores.columns.get("score") if scores else None
        if not isinstance(column, NumberProfile) or self.calibration.kind.problem == MULTICLASS:
            return None
        known = column.sketch.quantiles((np.arange(REFERENCE_ROWS) + 0.5) / REFERENCE_ROWS)
        if not len(known) or not self.calibration.kind.usable(known):
            return None
        mean = float(self._draws(known, np.random.default_rng([self.seed, 12])).mean())
        return mean if math.isfinite(mean) else None

    def _draws(self, scores: Floats, generator: np.random.Generator) -> Floats:
        """The metric on ROUNDS draws of labels, shape (ROUNDS,)."""
        return np.array([self._measure(self.calibration, scores, generator) for _ in range(ROUNDS)])

    def _measure(self, calibration: Calibration, scores: Floats, generator: np.random.Generator) -> float:
        label = calibration.draw(scores, generator)
        return self.calibration.kind.measure(label, scores, self.threshold)[self.metric]


def _served(records: pa.Table, spec: Spec) -> Floats:
    """Scores of records whose truth is not known, shape (n,) or (n, k)."""
    if spec.problem == MULTICLASS:
        return probabilities(records)[0]
    return np.asarray(records.column(SCORE).to_numpy(), dtype=np.float64)


def _against(
    mean: float, error: float, before: float | None, reference: Reference, name: str
) -> tuple[Estimate, Shortfall | None]:
    """The estimate, moved by what the same estimate misses at evaluation, and its distance from the metric there.

    Calibration is corrected by a line, and not every model is wrong along one. Where the same was estimated at
    evaluation, the drop is the difference of the two estimates, in which the evaluation's own error cancels.
    """
    then, confidence = reference.of_metric(name), reference.confidence
    if then is None:
        return _between(mean, error, confidence), None
    its_error = standard_error(then, confidence)
    both = math.hypot(error, 0.0 if math.isnan(its_error) else its_error)
    if before is None:
        value = _between(mean, error, confidence)
        return value, Shortfall.of(name, value, then, confidence)
    value = _between(mean + then.value - before, both, confidence)
    drop = Shortfall.of(name, value, then, confidence).drop
    return value, Shortfall(drop, error, confidence)


def _between(value: float, error: float, confidence: float) -> Estimate:
    half = z_of(confidence) * error
    return Estimate(value, value - half, value + half)
