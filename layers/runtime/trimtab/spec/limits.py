"""What each alarm on measured production allows by the spec: for whoever makes, hears, draws or counts alarms."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from trimtab.spec.model import Spec
from trimtab.spec.retraining import AlarmKind

Side = Literal["above", "reached", "below"]
_CROSSED: Final[Mapping[Side, Callable[[float, float], bool]]] = {
    "above": operator.gt,
    "reached": operator.ge,
    "below": operator.lt,
}


@dataclass(frozen=True)
class AlarmLimit:
    """A reading on this ``side`` of ``value`` rings."""

    value: float
    side: Side = "above"

    def is_crossed_by(self, reading: float) -> bool:
        """As CloudWatch compares a reading with the alarm's threshold."""
        return _CROSSED[self.side](reading, self.value)


def limit_of(kind: AlarmKind, spec: Spec) -> AlarmLimit | None:
    """The limit of the spec's alarm of a kind; None where it watches nothing of the kind, and has no such alarm."""
    watch = spec.monitoring
    if kind in ("change", "forecast"):
        return AlarmLimit(1.0, "reached") if kind == "change" else AlarmLimit(float(watch.change.horizon_days), "below")
    allowed: dict[AlarmKind, float | None] = {
        "drift": watch.psi_limit,
        "prediction": watch.prediction_psi_limit,
        "schema": 0.0,
        "quality": watch.quality.max_drop,
        "estimate": watch.estimated_drop,
        "slice": _of_slices(spec),
        "bias": 1.0 if spec.protected else None,
    }
    return None if (value := allowed[kind]) is None else AlarmLimit(value)


def _of_slices(spec: Spec) -> float | None:
    """Of the primary metric: quality's own limit holds only where quality is measured by that metric."""
    watch, quality = spec.monitoring.slices, spec.monitoring.quality
    if not spec.evaluation.slices:
        return None
    return watch.max_drop or (quality.max_drop if quality.metric == spec.evaluation.primary else None)
