"""Decides whether an alarm or new truth starts a training; called by the recovery machine."""

from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.ports import Alarms
from trimtab.recovery.decision import Retraining, earlier
from trimtab.recovery.policy import Cause

LEASE, LEASE_S = "recovery", 60.0


class DecideRetrainEvent(Event):
    """An alarm that went to ALARM, or truth that was accepted."""

    cause: Cause
    alarm: str | None = None
    """Name of the alarm that asks; empty for truth."""


@entrypoint(DecideRetrainEvent)
def handler(event: DecideRetrainEvent, runtime: Runtime) -> dict[str, Any]:
    """The ledger holds the decision with every question and answer."""
    return decide_once(event, runtime, CloudWatchAlarms.connect())


def decide_once(event: DecideRetrainEvent, runtime: Runtime, alarms: Alarms) -> dict[str, Any]:
    """The same decision to every retry; two alarms of one minute are decided one after the other."""
    subject = event.execution or f"{event.cause}:{event.alarm}:{event.at.isoformat()}"
    if found := earlier(runtime.ledger, subject):
        return found
    lease = runtime.ledger.lease(LEASE, subject, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another retraining is being decided; this one is decided after it")
    try:
        parts = (runtime.ledger, alarms, runtime.metrics, runtime.notifier)
        retraining = Retraining(subject, event.at, runtime.model, runtime.spec, *parts)
        return retraining.decide(event.cause, event.alarm or None)
    finally:
        runtime.ledger.release(LEASE, subject, lease.fence)
