"""Ends a rollback however it went; last step of the rollback machine, also after an error."""

from typing import Any

from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Rollback
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import ROLLBACK_REQUESTED
from trimtab.ledger.lookup import decided
from trimtab.ports import ModelRegistry
from trimtab.rollout.closing import in_words
from trimtab.rollout.restored import Restored, close


class CloseRollbackEvent(Event):
    """How the rollback ended; ``failure`` is empty when it did not fail."""

    failure: str = ""


@entrypoint(CloseRollbackEvent)
def handler(event: CloseRollbackEvent, runtime: Runtime) -> dict[str, Any]:
    """The lease is free, and ``next`` is the approval whose turn it is."""
    return end(event, runtime, SageMakerRegistry.connect())


def end(event: CloseRollbackEvent, runtime: Runtime, registry: ModelRegistry) -> dict[str, Any]:
    """Safe to repeat: a failure is recorded and told once."""
    asked = decided(runtime.ledger, ROLLBACK_REQUESTED, event.execution)
    nothing = {"outcome": "Refused", "reason": "it failed before anything was decided", "id": event.execution}
    rollback = Rollback.model_validate(asked or nothing)
    restored = Restored(rollback, event.at, runtime.names, runtime.ledger, registry, runtime.notifier, runtime.metrics)
    return close(restored, in_words(event.failure))
