"""When machines stop trying and ask a person, and how the person lets them go on."""

from dataclasses import dataclass
from datetime import datetime

from trimtab.ledger.kinds import RETRAIN_GIVEN_UP, RETRAIN_RESUMED, TRAINING_RELEASED
from trimtab.ports import Entry, Ledger, MetricsSink, Notifier
from trimtab.recovery.history import History
from trimtab.spec.retraining import RetrainingSpec
from trimtab.telemetry import Metric

ACTOR = "decide_retrain"


@dataclass(frozen=True)
class GivingUp:
    """The state in which only a person starts trainings."""

    policy: RetrainingSpec
    ledger: Ledger
    metrics: MetricsSink
    notifier: Notifier
    at: datetime

    def look(self, history: History) -> datetime | None:
        """Since when a person has to resume; None while machines may go on. People are told when it begins."""
        limit, given_up = self.policy.give_up_after, history.given_up
        if limit is None:
            return None
        if given_up is None and history.losses >= limit:
            given_up = self._give_up(history)
        if given_up is not None or any(entry.kind == RETRAIN_GIVEN_UP for entry in history.entries):
            self.metrics.put(Metric.RETRAININGS_GIVEN_UP, 1 if given_up else 0)
        return given_up.at if given_up else None

    def _give_up(self, history: History) -> Entry:
        last = next(entry for entry in reversed(history.entries) if entry.kind == TRAINING_RELEASED)
        command = f'trimtab retraining resume {self.ledger.model} --reason "..."'
        said = f"{history.losses} trainings in a row were refused or failed (retraining.give_up_after)"
        why = f"The last one: {last.data.get('reason') or last.data.get('outcome')}"
        self.notifier.send(
            "retraining has given up",
            f"{said}. None is started by itself any more; alarms are kept.",
            why[:500],
            f"Find out why, then: {command}. What waits: trimtab retraining status {self.ledger.model}.",
        )
        data = {
            "losses": history.losses,
            "last": last.subject,
            "command": command,
            "summary": f"retraining has given up: {said}",
        }
        return self.ledger.append(RETRAIN_GIVEN_UP, f"given-up:{last.subject}", data, self.at, ACTOR)

    def resume(self, by: str, reason: str, subject: str) -> None:
        """Trainings may start again, with the shortest cooldown; written down once, by whom and why."""
        if self.ledger.entries(RETRAIN_RESUMED, subject):
            return
        data = {"by": by, "reason": reason, "at": self.at.isoformat(), "summary": f"{by} resumes retraining: {reason}"}
        self.ledger.append(RETRAIN_RESUMED, subject, data, self.at, by or ACTOR)
