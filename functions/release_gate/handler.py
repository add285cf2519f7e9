"""Lets a rollout go on that waits at a manual gate; the one step of the machine that approvers start."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.rollout.releasing import Release, release

ACTOR = "release_gate"


class ReleaseGateEvent(Event):
    """A person's word that traffic may go on."""

    step: int
    """Whose gate they saw waiting: a later one is not opened by it."""
    by: str = ""
    reason: str = ""


@entrypoint(ReleaseGateEvent)
def handler(event: ReleaseGateEvent, runtime: Runtime) -> dict[str, Any]:
    """The gate is open, or the ledger says why not."""
    asked = Release(step=event.step, by=event.by, reason=event.reason, request=event.execution)
    return release(runtime.ledger, asked, event.at, ACTOR)
