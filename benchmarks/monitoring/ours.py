"""Trimtab's own verdict on each window: the functions that the deployed monitoring calls, with the spec's limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks.monitoring.sets import SCORE, TIME, Replayed, Window
from trimtab.data.coerce import ARROW_TYPES
from trimtab.data.profile import NumberProfile, Profile, profile_table, profiled_columns
from trimtab.evaluation.calibration import calibrate_binary, calibrate_numbers
from trimtab.ledger.kinds import PERFORMANCE_ESTIMATED, QUALITY_MEASURED, WINDOW_MEASURED
from trimtab.monitoring.answered import SERVED, Answered
from trimtab.monitoring.change.look import Look, look_at, nearest_crossing, worst_evidence
from trimtab.monitoring.change.measures import measures_of
from trimtab.monitoring.drift import Drift, measure
from trimtab.monitoring.drift.baseline import SCORE_COLUMN, Baseline
from trimtab.monitoring.drift.observed import Observed
from trimtab.monitoring.estimate import estimate
from trimtab.monitoring.quality import measure_window
from trimtab.monitoring.records import LABEL, META, record_columns
from trimtab.monitoring.reference import Reference
from trimtab.ports import Entry
from trimtab.spec import Spec

VERSION = 1
KINDS = ("quality", "estimate", "drift", "drift by importance", "prediction", "schema", "change", "forecast")
Json = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What rang in one window, by kind of alarm, and what the readings were."""

    window: str
    ringing: frozenset[str]
    drift: Drift
    quality: Json
    estimated: Json
    looks: tuple[Look, ...]

    @property
    def largest_psi(self) -> float:
        """Of any column, whatever the evidence."""
        return max(self.drift.psi.values(), default=0.0)


def judge(replayed: Replayed) -> list[Verdict]:
    """A verdict for each window, in order; its truth is known when it is looked at."""
    spec, holdout = replayed.spec, replayed.holdout
    baseline = Baseline(
        profile_table(_contract(replayed.reference, spec), profiled_columns(spec.data), spec.data.id),
        Profile(len(holdout.rows), {SCORE_COLUMN: NumberProfile.of(pa.array(holdout.rows[SCORE]))}),
        replayed.importance,
    )
    reference = evaluated(holdout, spec)
    entries: list[Entry] = []
    found = []
    previous: Profile | None = None
    for window in replayed.windows:
        records = records_of(window, spec)
        observed = Observed.of(records, VERSION, spec)
        drift = measure(observed, baseline, spec, previous=previous)
        previous = previous if drift.breaks else observed.profile
        quality = measure_window(window.name, records, VERSION, reference, spec).to_json()
        estimated = estimate(records, reference, baseline.scores, spec).to_json()
        read = {WINDOW_MEASURED: _readings(drift, spec), QUALITY_MEASURED: quality, PERFORMANCE_ESTIMATED: estimated}
        entries += [_entry(len(entries) + place, kind, window, data) for place, (kind, data) in enumerate(read.items())]
        looks = look_at(measures_of(entries, VERSION, spec.monitoring), window.middle, spec.monitoring.change)
        found.append(Verdict(window.name, _ringing(window, read, looks, spec), drift, quality, estimated, tuple(looks)))
    return found


def _readings(drift: Drift, spec: Spec) -> Json:
    """As ``window.measured`` keeps them."""
    limit, scores = spec.monitoring.psi_limit, drift.prediction_estimate
    weighted = drift.weighted(limit)
    return {
        "max_psi": drift.reading(limit),
        "prediction_psi": drift.prediction_reading,
        "weighted_reading": drift.weighted_reading(limit),
        "schema_breaks": len(drift.breaks),
        "columns": drift.psi,
        "errors": {name: each.error for name, each in drift.estimates.items()},
        "prediction_value": scores and scores.value,
        "prediction_error": scores and scores.error,
        "weighted_psi": weighted and weighted.value,
        "weighted_error": weighted and weighted.error,
    }


def _ringing(window: Window, read: Mapping[str, Json], looks: list[Look], spec: Spec) -> frozenset[str]:
    """Kinds of alarm whose rule a reading breaks."""
    watch, drift = spec.monitoring, read[WINDOW_MEASURED]
    beyond = {
        "quality": _beyond(read[QUALITY_MEASURED]["reading"], watch.quality.max_drop),
        "estimate": _beyond(read[PERFORMANCE_ESTIMATED]["estimate_reading"], watch.quality.max_drop),
        "drift": _beyond(drift["max_psi"], watch.psi_limit),
        "drift by importance": _beyond(drift["weighted_reading"], watch.psi_limit),
        "prediction": _beyond(drift["prediction_psi"], watch.prediction_psi_limit),
        "schema": drift["schema_breaks"] > 0,
        "change": worst_evidence(looks) >= 1,
        "forecast": nearest_crossing(looks, window.middle) is not None,
    }
    return frozenset(kind for kind, rings in beyond.items() if rings)


def _beyond(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def evaluated(holdout: Window, spec: Spec) -> Reference:
    """What the evaluation would have written: metrics with intervals, and how well scores are calibrated."""
    records = records_of(holdout, spec)
    known = records.filter(records.column(LABEL).is_valid())
    answered = Answered.of(known, Reference(), spec)
    if answered is None:
        raise ValueError(f"the hold-out of {spec.name} cannot be measured")
    found = answered.measure()
    intervals = {name: found.interval(SERVED, name) for name in found.points[SERVED]}
    calibrate = calibrate_numbers if spec.problem == "regression" else calibrate_binary
    return Reference(
        metrics=found.points[SERVED],
        intervals={name: (each.lo, each.hi) for name, each in intervals.items()},
        calibration=calibrate(answered.label, answered.score, found.confidence),
    )


def _contract(rows: pd.DataFrame, spec: Spec) -> pa.Table:
    """The columns that the contract names, in its types."""
    names = [name for name in record_columns(spec.data) if name in rows]
    types = [pa.field(name, ARROW_TYPES[spec.data.columns[name].type]) for name in names]
    return pa.Table.from_pandas(rows[names], preserve_index=False).cast(pa.schema(types))


def records_of(window: Window, spec: Spec) -> pa.Table:
    """A window's rows as monitoring keeps them, with their truth."""
    rows, contract = window.rows, _contract(window.rows, spec)
    given = {
        "_event_id": pa.array([str(number) for number in rows[spec.data.id]]),
        "_row": pa.array([0] * len(rows), pa.int32()),
        "_inference_time": pa.array(rows[TIME].dt.tz_convert("UTC"), META["_inference_time"]),
        "_score": pa.array(rows[SCORE]),
        "_scores": pa.nulls(len(rows), META["_scores"]),
        "_version": pa.array([VERSION] * len(rows), pa.int64()),
    }
    whole = pa.table(given | {name: contract.column(name) for name in contract.column_names})
    return whole.append_column(LABEL, pa.array(rows[spec.data.label].astype("Float64"), pa.float64()))


def _entry(number: int, kind: str, window: Window, data: Json) -> Entry:
    first, last = window.rows[TIME].min(), window.rows[TIME].max()
    period = {"start": first.isoformat(), "end": last.isoformat()}
    written = {**data, "version": VERSION, "period": period}
    return Entry("replayed", number + 1, kind, window.name, written, window.middle, "benchmark", "", "")
