"""Answers alarms, new truth, a schedule and requests that were kept: what starts a training, what goes back, what is
told, and what is over; called by recovery."""

from collections.abc import Sequence
from typing import Any

from trimtab.aws.alarm_reader import CloudWatchAlarmReader
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLOUT_SERVING
from trimtab.monitoring.alarms import AlarmReader
from trimtab.names import alarms_of, model_stack_name
from trimtab.ports import Alarms, Entry, Ledger
from trimtab.recovery.arrivals import Arrivals
from trimtab.recovery.decision import Request, Retraining, earlier
from trimtab.recovery.giving_up import GivingUp
from trimtab.recovery.hearing import Hearing
from trimtab.recovery.policy import Cause
from trimtab.recovery.rings import kind_named
from trimtab.spec.retraining import KINDS

LEASE, LEASE_S = "recovery", 60.0


class Asked(Message):
    """Who asks: the machine's whole input."""

    cause: Cause
    alarm: str = ""
    """Name of the alarm that asks; empty for everything else."""
    state: str = "ALARM"
    """What it went to: ALARM, or OK."""
    by: str = ""
    """The person who resumes."""
    reason: str = ""

    @property
    def event(self) -> str:
        """What tells an alarm's change of state from every other, but for its time; empty for all that is no alarm."""
        return self.alarm if self.state == "ALARM" else f"{self.alarm} {self.state}"

    @property
    def is_heard(self) -> bool:
        """Whether nothing about trainings is asked: an alarm is over, or is none on a measurement."""
        if not self.alarm:
            return False
        return self.state != "ALARM" or kind_named(self.alarm) not in ("", *KINDS)


class DecideRetrainEvent(Event):
    """An alarm that went to ALARM, truth that was accepted, an end of a run, a schedule, or a person who resumes."""

    asked: Asked


@entrypoint(DecideRetrainEvent)
def handler(event: DecideRetrainEvent, runtime: Runtime) -> dict[str, Any]:
    """The ledger holds the decision with every question and answer."""
    return decide_once(event, runtime, CloudWatchAlarms.connect(), CloudWatchAlarmReader.connect())


def decide_once(event: DecideRetrainEvent, runtime: Runtime, alarms: Alarms, reader: AlarmReader) -> dict[str, Any]:
    """The same decision to every retry; two alarms of one minute are decided one after the other."""
    asked, moment = event.asked, event.at.isoformat()
    told = f"{asked.event}@{moment}" if asked.alarm else ""
    subject = event.execution or f"{asked.cause}:{asked.event}:{moment}"
    lease = runtime.ledger.lease(LEASE, subject, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another retraining is being decided; this one is decided after it")
    try:
        entries = _of_rings(runtime.ledger) if asked.is_heard else runtime.ledger.entries()
        if found := earlier(entries, subject, told):
            return found
        hearing = _hearing(event, runtime, reader, subject, entries)
        if asked.is_heard:
            return (hearing.begins if asked.state == "ALARM" else hearing.ends)(asked.alarm, told)
        return _decide(event, runtime, alarms, hearing, Request(asked.cause, asked.alarm, told))
    finally:
        runtime.ledger.release(LEASE, subject, lease.fence)


def _of_rings(ledger: Ledger) -> list[Entry]:
    """Decisions, ends of alarms, and who served: an alarm that flaps is not to read a model's whole history."""
    found = [entry for kind in ("retrain.", "alarm.", ROLLOUT_SERVING, ROLLBACK_DONE) for entry in ledger.entries(kind)]
    return sorted(found, key=lambda entry: entry.seq)


def _hearing(
    event: DecideRetrainEvent, runtime: Runtime, reader: AlarmReader, subject: str, entries: Sequence[Entry]
) -> Hearing:
    return Hearing(subject, event.at, entries, runtime.spec, runtime.ledger, reader, runtime.notifier)


def _decide(
    event: DecideRetrainEvent, runtime: Runtime, alarms: Alarms, hearing: Hearing, request: Request
) -> dict[str, Any]:
    parts, entries, subject = (runtime.ledger, runtime.metrics, runtime.notifier), hearing.entries, hearing.subject
    if request.cause == "resumed":
        GivingUp(runtime.spec.retraining, *parts, event.at).resume(event.asked.by, event.asked.reason, subject)
        entries = runtime.ledger.entries()
    if request.cause == "look":
        Arrivals(entries, event.at).tell(runtime.spec.data, runtime.metrics)
        hearing.look(alarms_of(model_stack_name(runtime.settings.stage, runtime.model))[0])
    ledger, metrics, notifier = parts
    retraining = Retraining(subject, event.at, entries, runtime.model, runtime.spec, ledger, alarms, metrics, notifier)
    return retraining.decide(request)
