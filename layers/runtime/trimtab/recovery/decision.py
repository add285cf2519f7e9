"""The retraining policy applied to what the ledger and the alarms say now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.ledger.lookup import decided
from trimtab.ports import Alarms, Entry, Ledger, MetricsSink, Notifier
from trimtab.recovery.aftermath import Case, case_for_rollback, propose
from trimtab.recovery.policy import Answer, Cause, Decision, Situation, decide
from trimtab.spec import Spec
from trimtab.spec.monitoring import MonitoringSpec
from trimtab.telemetry import MODEL_DIMENSION, Metric

REQUESTED, SUPPRESSED = "retrain.requested", "retrain.suppressed"
WATCHED = {
    "drift": (Metric.PSI_MAX, Metric.PSI_PREDICTION),
    "quality": (Metric.QUALITY_DROP,),
}
"""Metrics whose alarms may ask for a retraining, each with the dimension Model only."""
READINGS = {"drift": "window.measured", "quality": "quality.measured"}
BESIDES_TRAINING = timedelta(hours=3)
"""A training that was leased and not released is taken for dead after its longest run time and this."""
ACTOR = "decide_retrain"


def earlier(ledger: Ledger, subject: str) -> dict[str, Any] | None:
    """The result that a first attempt has recorded, or None."""
    for kind in (REQUESTED, SUPPRESSED):
        if data := decided(ledger, kind, subject):
            return _result(data["start"], data["reason"], data["decision"], data.get("rollback"))
    return None


@dataclass(frozen=True)
class Retraining:
    """One decision; ``subject`` names it in the ledger."""

    subject: str
    at: datetime
    model: str
    spec: Spec
    ledger: Ledger
    alarms: Alarms
    metrics: MetricsSink
    notifier: Notifier

    def decide(self, cause: Cause, alarm: str | None) -> dict[str, Any]:
        """``start``, ``reason`` and ``decision``: the questions that were asked, with their answers.

        Soon after a rollout it may be a ``rollback`` instead.
        """
        situation, after = self._situation(cause, alarm), self.spec.rollout.after
        own = [kind for kind in situation.ringing if self._is_own(kind)]
        case = case_for_rollback(self.ledger.entries(), own, after, self.at)
        if case is not None and after.action == "rollback":
            return self._decide(_instead(case), cause, alarm, {"to": case.to, "reason": case.reason})
        if case is not None:
            propose(case, self.ledger, self.notifier, self.subject, self.at)
        return self._decide(decide(situation, self.spec.retraining), cause, alarm, None)

    def _decide(
        self, decision: Decision, cause: Cause, alarm: str | None, rollback: dict[str, Any] | None
    ) -> dict[str, Any]:
        answers = [asdict(answer) for answer in decision.answers]
        self._record(decision, answers, cause, alarm, rollback)
        return _result(decision.start, decision.reason, answers, rollback)

    def _situation(self, cause: Cause, alarm: str | None) -> Situation:
        entries = self.ledger.entries()
        return Situation(
            cause=cause,
            at=self.at,
            ringing=list(self._ringing(alarm)),
            asked_by=f"alarm {alarm}" if alarm else "new truth",
            starts=[entry.at for entry in entries if entry.kind == REQUESTED],
            running=running(entries, self.at, self._longest),
            new_data=labelled_since_dataset(entries),
        )

    @property
    def _longest(self) -> timedelta:
        return timedelta(minutes=self.spec.training.making_minutes) + BESIDES_TRAINING

    def _ringing(self, alarm: str | None) -> Iterator[str]:
        """Kinds of alarm that ring. The one that asks counts, though it may be quiet again by the time this runs."""
        for kind, metrics in WATCHED.items():
            states = {
                name: state
                for metric in metrics
                for name, state in self.alarms.watching(metric, {MODEL_DIMENSION: self.model}).items()
            }
            if alarm in states or (alarm is None and "ALARM" in states.values() and self._is_own(kind)):
                yield kind

    def _is_own(self, kind: str) -> bool:
        """The version that serves has itself been measured beyond the limit; an alarm may outlive an earlier one."""
        champion = self.ledger.state("champion")
        readings = self.ledger.entries(READINGS[kind])
        mine = [entry.data for entry in readings if champion and entry.data["version"] == champion["version"]]
        return bool(mine) and breaches(kind, mine[-1], self.spec.monitoring)

    def _record(
        self,
        decision: Decision,
        answers: list[dict[str, Any]],
        cause: Cause,
        alarm: str | None,
        rollback: dict[str, Any] | None,
    ) -> None:
        kind = REQUESTED if decision.start else SUPPRESSED
        self.metrics.put(Metric.RETRAINS_STARTED if decision.start else Metric.RETRAINS_SUPPRESSED, 1)
        verb = "asked for" if decision.start else "suppressed"
        data = {
            "start": decision.start,
            "reason": decision.reason,
            "cause": cause,
            "alarm": alarm,
            "decision": answers,
            "rollback": rollback,
            "summary": f"retraining {verb}: {decision.reason}",
        }
        self.ledger.append(kind, self.subject, data, self.at, ACTOR)


def breaches(kind: str, reading: Mapping[str, Any], limits: MonitoringSpec) -> bool:
    """Whether a recorded reading lies beyond what its alarm allows; one that was not judged does not."""
    if kind == "quality":
        return _beyond(reading["drop"], limits.quality.max_drop)
    drifted = _beyond(reading["max_psi"], limits.psi_limit)
    return drifted or _beyond(reading["prediction_psi"], limits.prediction_psi_limit)


def _beyond(value: float | None, limit: float) -> bool:
    return value is not None and value > limit


def running(entries: Sequence[Entry], at: datetime, longest: timedelta) -> str | None:
    """The run that was leased and not released, unless it is older than a training can be."""
    open_runs: dict[str, datetime] = {}
    for entry in entries:
        if entry.kind == "training.leased":
            open_runs[entry.subject] = entry.at
        elif entry.kind == "training.released":
            open_runs.pop(entry.subject, None)
    alive = [run for run, since in open_runs.items() if at - since < longest]
    return alive[-1] if alive else None


def labelled_since_dataset(entries: Sequence[Entry]) -> int:
    """Accepted files with labels, truth included, since the newest dataset was built."""
    built = max((entry.seq for entry in entries if entry.kind == "dataset.built"), default=0)
    accepted = [entry for entry in entries if entry.kind == "drop.accepted" and entry.seq > built]
    return sum(bool(entry.data.get("labelled")) or entry.data.get("kind") == "truth" for entry in accepted)


def _instead(case: Case) -> Decision:
    """A rollback is performed, so nothing is trained on what it may have broken."""
    reason = f"a rollback to version {case.to} comes first: {case.reason} (rollout.after)"
    return Decision(False, reason, (Answer("Is the serving version past its watch window?", reason, False),))


def _result(
    start: bool, reason: str, decision: list[dict[str, Any]], rollback: dict[str, Any] | None
) -> dict[str, Any]:
    outcome = "RollbackRequested" if rollback else "Started" if start else "Suppressed"
    return {"start": start, "outcome": outcome, "reason": reason, "decision": decision, "rollback": rollback}
