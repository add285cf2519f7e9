"""Decides whether an alarm, new truth, a schedule or a request that was kept starts a training; called by recovery."""

from collections.abc import Sequence
from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.ports import Alarms, Entry
from trimtab.recovery.arrivals import Arrivals
from trimtab.recovery.decision import Request, Retraining, earlier
from trimtab.recovery.giving_up import GivingUp
from trimtab.recovery.policy import Cause

LEASE, LEASE_S = "recovery", 60.0


class Asked(Message):
    """Who asks: the machine's whole input."""

    cause: Cause
    alarm: str = ""
    """Name of the alarm that asks; empty for everything else."""
    by: str = ""
    """The person who resumes."""
    reason: str = ""


class DecideRetrainEvent(Event):
    """An alarm that went to ALARM, truth that was accepted, an end of a run, a schedule, or a person who resumes."""

    asked: Asked


@entrypoint(DecideRetrainEvent)
def handler(event: DecideRetrainEvent, runtime: Runtime) -> dict[str, Any]:
    """The ledger holds the decision with every question and answer."""
    return decide_once(event, runtime, CloudWatchAlarms.connect())


def decide_once(event: DecideRetrainEvent, runtime: Runtime, alarms: Alarms) -> dict[str, Any]:
    """The same decision to every retry; two alarms of one minute are decided one after the other."""
    asked, moment = event.asked, event.at.isoformat()
    told = f"{asked.alarm}@{moment}" if asked.alarm else ""
    subject = event.execution or f"{asked.cause}:{asked.alarm}:{moment}"
    lease = runtime.ledger.lease(LEASE, subject, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another retraining is being decided; this one is decided after it")
    try:
        entries = runtime.ledger.entries()
        if found := earlier(entries, subject, told):
            return found
        return _decide(event, runtime, alarms, Request(asked.cause, asked.alarm, told), subject, entries)
    finally:
        runtime.ledger.release(LEASE, subject, lease.fence)


def _decide(
    event: DecideRetrainEvent,
    runtime: Runtime,
    alarms: Alarms,
    request: Request,
    subject: str,
    entries: Sequence[Entry],
) -> dict[str, Any]:
    parts = (runtime.ledger, runtime.metrics, runtime.notifier)
    if request.cause == "resumed":
        GivingUp(runtime.spec.retraining, *parts, event.at).resume(event.asked.by, event.asked.reason, subject)
        entries = runtime.ledger.entries()
    if request.cause == "look":
        Arrivals(entries, event.at).tell(runtime.spec.data, runtime.metrics)
    ledger, metrics, notifier = parts
    retraining = Retraining(subject, event.at, entries, runtime.model, runtime.spec, ledger, alarms, metrics, notifier)
    return retraining.decide(request)
