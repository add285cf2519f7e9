"""Frees the lease of a run whose execution ended without giving it back: stopped, out of time, or broken at its end."""

from typing import Any

from trimtab.contracts import TRAINING_REQUESTED, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.queue import Attempt, begun_by, give_back, released_by

ACTOR = "reclaim_lease"
WHY = {
    "ABORTED": "its execution was stopped",
    "TIMED_OUT": "its execution ran out of time",
    "FAILED": "its execution broke off",
}


class ReclaimLeaseEvent(Event):
    """An execution of the training machine that has ended otherwise than well."""

    status: str


@entrypoint(ReclaimLeaseEvent)
def handler(event: ReclaimLeaseEvent, runtime: Runtime) -> dict[str, Any]:
    """The lease is free and whoever waited is asked for again; nothing happens where the run gave it back itself.

    A retry asks again too: a request must not be lost between the two, and one too many finds nothing new.
    """
    attempt = begun_by(runtime.ledger, event.execution, event.at)
    if attempt is None or released_by(runtime.ledger, attempt) not in (None, ACTOR):
        return {"released": False}
    given = _give_back(event, runtime, attempt)
    if waiting := given["next"]:
        request = {**waiting, "model": runtime.model, "at": event.at.isoformat()}
        runtime.events.put(TRAINING_REQUESTED, request)
    return {"released": given["released"], "run": attempt.run, "next": given["next"]}


def _give_back(event: ReclaimLeaseEvent, runtime: Runtime, attempt: Attempt) -> dict[str, Any]:
    reason = WHY.get(event.status, f"its execution ended {event.status}")
    given = give_back(
        runtime.ledger, attempt.run, attempt.fence, "Failed", reason, event.at, ACTOR, attempt=attempt.number
    )
    return dict(given)
