"""Lets one training of a model run at a time; first step of the training machine."""

from typing import Any

from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.queue import LEASE, PERSON, take

ACTOR = "lease_training"


class TrainingRequest(Message):
    """Why a training was asked for: the machine's whole input, of which a person may leave out what they like."""

    reason: str = "asked for"
    cause: str = PERSON
    """A machine always names its own."""
    requested_by: str = ""
    """The person who asked; empty for a machine."""


class LeaseTrainingEvent(Event):
    """A request to train."""

    request: TrainingRequest = TrainingRequest()


@entrypoint(LeaseTrainingEvent)
def handler(event: LeaseTrainingEvent, runtime: Runtime) -> dict[str, Any]:
    """The run holds the lease, or its request waits in the ledger."""
    run = runtime.names.run(f"{event.at:%Y%m%d%H%M%S}", event.execution or event.request.reason)
    request = event.request.to_json() | {"execution": event.execution}
    lease = take(runtime.ledger, runtime.spec.training, run, request, event.at, ACTOR)
    held = runtime.ledger.lease_holder(LEASE)
    return {
        "granted": lease is not None,
        "run": run,
        "job": run,
        "attempt": 0,
        "fence": lease.fence if lease else 0,
        "holder": held.holder if held else None,
        "requested_by": event.request.requested_by,
    }
