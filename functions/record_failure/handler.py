"""Writes down that an execution failed; the last catch of the intake, monitoring and recovery machines."""

from typing import Any

from pydantic import Field

from trimtab.contracts import Event, Message
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.failure import Failure, record_failure


class CaughtError(Message):
    """What a Catch of Step Functions passes on."""

    error: str = Field(default="Unknown", alias="Error")
    cause: str = Field(default="", alias="Cause")


class RecordFailureEvent(Event):
    """A failed execution."""

    machine: str
    error: CaughtError


@entrypoint(RecordFailureEvent)
def handler(event: RecordFailureEvent, runtime: Runtime) -> dict[str, Any]:
    """The failure is in the model's ledger and people were told."""
    failure = Failure(event.machine, event.execution, event.error.error, event.error.cause)
    is_new = record_failure(event.model, failure, runtime.ledger, runtime.notifier, event.at)
    return {"outcome": "Recorded" if is_new else "AlreadyRecorded"}
