"""Lets one training of a model run at a time; first step of the training machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.queue import LEASE, take

ACTOR = "lease_training"


class LeaseTrainingEvent(Event):
    """A request to train."""

    reason: str
    cause: str = ""


@entrypoint(LeaseTrainingEvent)
def handler(event: LeaseTrainingEvent, runtime: Runtime) -> dict[str, Any]:
    """The run holds the lease, or its request waits in the ledger."""
    run = runtime.names.run(f"{event.at:%Y%m%d%H%M%S}", event.execution or event.reason)
    request = {"reason": event.reason, "cause": event.cause, "execution": event.execution}
    lease = take(runtime.ledger, runtime.spec.training, run, request, event.at, ACTOR)
    held = runtime.ledger.lease_holder(LEASE)
    return {
        "granted": lease is not None,
        "run": run,
        "fence": lease.fence if lease else 0,
        "holder": held.holder if held else None,
    }
