"""Which of a model's alarms ring, what they are about, and whether the version that serves gave the reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from trimtab.ports import Alarms, Entry
from trimtab.recovery.readings import newest
from trimtab.spec import Spec
from trimtab.spec.limits import limit_of
from trimtab.spec.retraining import KINDS, AlarmKind
from trimtab.telemetry import MODEL_DIMENSION, WATCHES


@dataclass(frozen=True)
class Ringing:
    """What the alarms of one model say now, seen beside what was measured."""

    model: str
    alarms: Alarms
    entries: Sequence[Entry]
    spec: Spec
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
        return not self.doubt(alarm)

    def doubt(self, alarm: str) -> str:
        """Why an alarm, which may have rung long ago, gives no reason to act now; empty where it does."""
        kind, state = self.states.get(alarm, (None, ""))
        if kind is None:
            return f"{alarm or 'what asks'} is no alarm on a measurement of this model"
        return f"{alarm} is OK by now" if state == "OK" else self._unproven(kind)

    def is_own(self, kind: AlarmKind) -> bool:
        """The version that serves has itself been measured beyond the limit; an alarm may outlive an earlier one."""
        return not self._unproven(kind)

    def _unproven(self, kind: AlarmKind) -> str:
        if self.champion is None:
            return "no version serves"
        limit = limit_of(kind, self.spec)
        if limit is None:
            return f"{self.model} has no limit for an alarm of the kind {kind}"
        reading = newest(kind, self.entries, self.champion, self.spec.monitoring)
        if reading is None:
            return f"no reading of version {self.champion}, which serves, bears out an alarm of the kind {kind}"
        if limit.is_crossed_by(reading):
            return ""
        within = f"within the limit {limit.value:g}"
        return f"what the alarm has seen of version {self.champion} ({kind}: {reading:.4g}) is {within}"
