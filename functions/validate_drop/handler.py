"""Holds a drop against its contract and the reference profile; called by the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.gate import DropGate


class ValidateDropEvent(Event):
    """A claimed drop."""

    drop: Drop


@entrypoint(ValidateDropEvent)
def handler(event: ValidateDropEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop's report is stored, and its verdict returned. No file, however bad, makes this fail."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    return gate.validate(event.drop).to_json()
