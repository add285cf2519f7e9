"""Performance on joined truth, against what the same version had reached at evaluation."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.evaluation.bootstrap import Estimate, Resampled
from trimtab.measures import BINARY
from trimtab.monitoring.answered import SERVED, Answered, answered_by, with_truth
from trimtab.monitoring.records import LABEL, TIME
from trimtab.monitoring.reference import Reference, Shortfall, standard_error
from trimtab.monitoring.selection import Selection, selection
from trimtab.monitoring.slices import Slices, measure_slices
from trimtab.monitoring.usable import too_many, usable
from trimtab.spec import Spec


@dataclass(frozen=True)
class Quality:
    """Metrics of one version in one window; None where too few labels or only one class make a metric meaningless."""

    window: str
    version: int
    rows: int
    """Records that the version has answered."""
    n: int
    """Those of them whose truth is known."""
    unusable: int
    """Records whose answer is no score: they count for nothing else."""
    positives: int | None
    """None unless the problem is binary."""
    metrics: dict[str, float | None]
    interval: Estimate | None
    """Of the spec's metric; None when it was not measured."""
    shortfall: Shortfall | None
    """Of the spec's metric, against the evaluation; None when either was not measured."""
    confidence: float
    slices: Slices
    selection: Selection | None
    start: str | None
    end: str | None
    reason: str = ""
    """Why nothing was judged; empty when it was."""
    unit: float = 1.0
    """What drops are measured in: the value at evaluation where they are shares of it."""

    @property
    def rate(self) -> float | None:
        """Share of positives among the labelled."""
        return self.positives / self.n if self.n and self.positives is not None else None

    @property
    def drop(self) -> float | None:
        """How far the spec's metric is worse than at evaluation, chance or not; negative when it is better."""
        return _finite(self.shortfall.drop) if self.shortfall else None

    @property
    def judged(self) -> bool:
        """False when there was too little truth to measure."""
        return not self.reason

    @property
    def reading(self) -> float | None:
        """What the alarm sees: a drop that is more than chance, or at most 0; None when nothing was judged."""
        return self.shortfall.reading if self.shortfall and self.judged else None

    def to_json(self) -> dict[str, Any]:
        """The quality as JSON values, metrics side by side."""
        return {
            "window": self.window,
            "version": self.version,
            "rows": self.rows,
            "n": self.n,
            "unusable": self.unusable,
            "positives": self.positives,
            "rate": self.rate,
            "metrics": self.metrics,
            "judged": self.judged,
            "reason": self.reason,
            **self._certainty(),
            "selection": self.selection.to_json() if self.selection else None,
            **self.slices.to_json(),
            "period": {"start": self.start, "end": self.end},
            **self.metrics,
        }

    def _certainty(self) -> dict[str, Any]:
        """How sure the spec's metric is, and its drop; null where it is not known."""
        own, fallen = self.interval, self.shortfall
        return {
            "confidence": self.confidence,
            "interval": [_finite(own.lo), _finite(own.hi)] if own else None,
            "error": _finite(standard_error(own, self.confidence) / self.unit) if own else None,
            "drop": self.drop,
            "drop_interval": list(map(_finite, fallen.interval)) if fallen else None,
            "drop_error": _finite(fallen.error) if fallen else None,
            "reading": self.reading,
        }


def measure_window(
    window: str, records: pa.Table, version: int, reference: Reference, spec: Spec, coverage: float | None = None
) -> Quality:
    """Quality of the records that ``version`` answered and whose truth is known.

    ``coverage`` is the share of the window's records with truth, where ``records`` are a sample that does not tell it.
    """
    mine = answered_by(records, version)
    known = with_truth(mine)
    good = usable(known, spec)
    answered = Answered.of(good, reference, spec) if good.num_rows >= spec.monitoring.min_rows else None
    found = answered.measure() if answered else None
    name = spec.monitoring.quality.metric
    metrics = {each: _finite(value) for each, value in found.points[SERVED].items()} if found else {}
    interval = found.interval(SERVED, name) if found and metrics[name] is not None else None
    start, end = _period(known, spec.data.event_time)
    return Quality(
        window=window,
        version=version,
        rows=mine.num_rows,
        n=known.num_rows,
        unusable=mine.num_rows - usable(mine, spec).num_rows,
        positives=int(known.column(LABEL).to_numpy().sum()) if spec.problem == BINARY else None,
        metrics=metrics,
        interval=interval,
        shortfall=_shortfall(name, interval, reference, spec),
        confidence=reference.confidence,
        slices=_slices(answered, found, spec),
        selection=selection(mine) if LABEL in mine.column_names else None,
        start=start,
        end=end,
        unit=_unit(name, reference, spec),
        reason=_why_not(
            known.num_rows, _share_known(mine, known) if coverage is None else coverage, good, metrics, spec
        ),
    )


def _shortfall(name: str, now: Estimate | None, reference: Reference, spec: Spec) -> Shortfall | None:
    then = reference.of_metric(name)
    if now is None or then is None:
        return None
    found = Shortfall.of(name, now, then, reference.confidence)
    return found.of_value(then.value, spec.monitoring.quality.drop_in)


def _unit(name: str, reference: Reference, spec: Spec) -> float:
    then = reference.metrics.get(name, 0.0)
    return then if spec.monitoring.quality.drop_in == "share" and then > 0 else 1.0


def _slices(answered: Answered | None, found: Resampled | None, spec: Spec) -> Slices:
    """Declared slices, against the whole in the primary metric."""
    if answered is None or found is None:
        return Slices()
    primary = answered.kind.primary
    whole = _shortfall(primary, found.interval(SERVED, primary), answered.reference, spec)
    return measure_slices(answered, whole, spec)


def _share_known(mine: pa.Table, known: pa.Table) -> float:
    return known.num_rows / mine.num_rows if mine.num_rows else 0.0


def _why_not(n: int, coverage: float, good: pa.Table, metrics: Mapping[str, float | None], spec: Spec) -> str:
    """Why a window with ``n`` labels, of which ``good`` are of usable answers, is not judged; empty when it is."""
    watch = spec.monitoring
    if n and (many := too_many(n - good.num_rows, n, spec)):
        return many
    if good.num_rows < watch.min_rows:
        return f"{good.num_rows} labels, fewer than {watch.min_rows}"
    if coverage < watch.quality.min_coverage:
        return f"truth of {coverage:.0%} of the records, less than {watch.quality.min_coverage:.0%}"
    if metrics.get(watch.quality.metric) is None:
        alone = pc.count_distinct(good.column(LABEL)).as_py() == 1
        return f"{watch.quality.metric} is undefined" + (": all labels are the same" if alone else "")
    return ""


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _period(records: pa.Table, event_time: str | None) -> tuple[str | None, str | None]:
    """First and last event time; the time of the request where a row has none, as drift counts it."""
    asked = records.column(TIME)
    extremes = pc.min_max(asked if event_time is None else pc.coalesce(records.column(event_time), asked))
    first, last = extremes["min"].as_py(), extremes["max"].as_py()
    return (first.isoformat(), last.isoformat()) if first is not None else (None, None)
