"""Performance on joined truth, against what the same version had reached at evaluation."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.kinds import Kind
from trimtab.measures import BINARY, MULTICLASS
from trimtab.monitoring.records import LABEL, SCORE, TIME, VERSION
from trimtab.spec import Spec


@dataclass(frozen=True)
class Quality:
    """Metrics of one version in one window; None where too few labels or only one class make a metric meaningless."""

    window: str
    version: int
    n: int
    positives: int | None
    """None unless the problem is binary."""
    metrics: dict[str, float | None]
    drop: float | None
    """How far the spec's metric is worse than at evaluation; negative when it is better."""
    start: str | None
    end: str | None

    @property
    def rate(self) -> float | None:
        """Share of positives among the labelled."""
        return self.positives / self.n if self.n and self.positives is not None else None

    @property
    def judged(self) -> bool:
        """False when there was too little truth to measure."""
        return any(value is not None for value in self.metrics.values())

    def to_json(self) -> dict[str, Any]:
        """The quality as JSON values, metrics side by side."""
        found = asdict(self) | {"rate": self.rate, "judged": self.judged}
        return {**found, **self.metrics, "period": {"start": self.start, "end": self.end}}


def measure_window(
    window: str, records: pa.Table, version: int, at_evaluation: Mapping[str, float], spec: Spec
) -> Quality:
    """Quality of the records that ``version`` answered and whose truth is known."""
    mine = records.filter(pc.and_(pc.equal(records.column(VERSION), version), pc.is_valid(records.column(LABEL))))
    label, score = mine.column(LABEL).to_numpy(), mine.column(SCORE).to_numpy()
    enough = mine.num_rows >= spec.monitoring.min_rows
    metrics = _measured(spec, label, score) if enough else {}
    start, end = _period(mine, spec.data.event_time or TIME)
    return Quality(
        window=window,
        version=version,
        n=mine.num_rows,
        positives=int(label.sum()) if spec.problem == BINARY else None,
        metrics=metrics,
        drop=_drop(metrics, at_evaluation, spec.monitoring.quality.metric),
        start=start,
        end=end,
    )


def _measured(spec: Spec, label: NDArray[Any], score: NDArray[Any]) -> dict[str, float | None]:
    """None at all for classes: of those, captured records keep only how sure the answer was."""
    if spec.problem == MULTICLASS:
        return {}
    kind = Kind(spec.problem, spec.evaluation.primary, quantile=spec.evaluation.quantile)
    return {name: _finite(value) for name, value in kind.measure(label, score).items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _drop(metrics: Mapping[str, float | None], at_evaluation: Mapping[str, float], name: str) -> float | None:
    now, then = metrics.get(name), at_evaluation.get(name)
    if now is None or then is None:
        return None
    return then - now if HIGHER_IS_BETTER[name] else now - then


def _period(records: pa.Table, column: str) -> tuple[str | None, str | None]:
    extremes = pc.min_max(records.column(column))
    first, last = extremes["min"].as_py(), extremes["max"].as_py()
    return (first.isoformat(), last.isoformat()) if first is not None else (None, None)
