"""Which of a model's alarms ring, what they are about, and whether the version that serves gave the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from trimtab.ports import Alarms, Entry
from trimtab.rollout.conclusion import SERVING
from trimtab.rollout.reigns import RESTORED
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.spec.retraining import KINDS, AlarmKind
from trimtab.telemetry import MODEL_DIMENSION, WATCHES

_WINDOW, _QUALITY, _CHANGE = "window.measured", "quality.measured", "change.measured"
READINGS: Final[Mapping[AlarmKind, str]] = {
    "drift": _WINDOW,
    "prediction": _WINDOW,
    "schema": _WINDOW,
    "change": _CHANGE,
    "forecast": _CHANGE,
    "quality": _QUALITY,
    "estimate": _QUALITY,
    "slice": _QUALITY,
    "bias": _QUALITY,
}
"""The ledger's entry that holds what an alarm of a kind judges."""


@dataclass(frozen=True)
class Ringing:
    """What the alarms of one model say now, seen beside what was measured."""

    model: str
    alarms: Alarms
    entries: Sequence[Entry]
    limits: MonitoringSpec
    champion: int | None
    """The version that serves."""

    @cached_property
    def states(self) -> dict[str, tuple[AlarmKind, str]]:
        """Kind and state of every measuring alarm of the model, by name."""
        dimensions = {MODEL_DIMENSION: self.model}
        return {
            name: (kind, state)
            for kind in KINDS
            for metric in WATCHES.get(kind, ())
            for name, state in self.alarms.watching(metric, dimensions).items()
        }

    def kind_of(self, alarm: str) -> AlarmKind | None:
        """What the alarm is about; None for one that measures nothing of this model."""
        return self.states[alarm][0] if alarm in self.states else None

    def now(self) -> tuple[AlarmKind, ...]:
        """Kinds that ring and of which the serving version's own reading is beyond the limit."""
        ringing = {kind for kind, state in self.states.values() if state == "ALARM"}
        return tuple(kind for kind in KINDS if kind in ringing and self.is_own(kind))

    def still(self, alarm: str) -> bool:
        """Whether an alarm that rang before gives reason to act now. While CloudWatch knows nothing new, it does."""
        kind, state = self.states.get(alarm, (None, ""))
        return kind is not None and state != "OK" and self.is_own(kind)

    def is_own(self, kind: AlarmKind) -> bool:
        """The version that serves has itself been measured beyond the limit; an alarm may outlive an earlier one."""
        if kind in ("drift", "prediction", "quality"):
            mine = [entry.data for entry in self._readings(kind) if entry.data.get("version") == self.champion]
            newest = seen(mine) if kind == "quality" else mine[-1] if mine else None
            return self.champion is not None and newest is not None and breaches(kind, newest, self.limits)
        began = max((entry.seq for entry in self.entries if entry.kind in (SERVING, RESTORED)), default=0)
        return any(entry.seq > began for entry in self._readings(kind))

    def _readings(self, kind: AlarmKind) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == READINGS[kind]]


def seen(measured: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The window whose alarm it is: the newest in time of those that were judged, also when an older one, to which
    more truth has come, was measured after it."""
    judged = [reading for reading in measured if reading.get("judged", True)]
    ends = [str((reading.get("period") or {}).get("end") or "") for reading in judged]
    return judged[max(range(len(judged)), key=lambda index: (ends[index], index))] if judged else None


def breaches(kind: AlarmKind, reading: Mapping[str, Any], limits: MonitoringSpec) -> bool:
    """Whether a recorded reading lies beyond what its alarm allows; one that was not judged does not."""
    if kind == "quality":
        return _beyond(reading.get("reading", reading["drop"]), limits.quality.max_drop)
    if kind == "prediction":
        return _beyond(reading["prediction_psi"], limits.prediction_psi_limit)
    looked_at = "weighted_reading" if limits.drift_by == "importance" else "max_psi"
    return _beyond(reading.get(looked_at), limits.psi_limit)


def _beyond(value: float | None, limit: float) -> bool:
    return value is not None and value > limit
