"""Looks at one share of a large drop; called by the children of the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.fan_out import FanOut
from trimtab.intake.gate import DropGate


class ValidateShareEvent(Event):
    """A drop that is planned, and the number of one of its shares."""

    drop: Drop
    share: int


@entrypoint(ValidateShareEvent)
def handler(event: ValidateShareEvent, runtime: Runtime) -> dict[str, Any]:
    """What the share has shown is stored. No file, however bad, makes this fail."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    execution = event.execution or event.drop.id
    rows = FanOut(gate, event.drop, runtime.temporary("shares", event.drop.id, execution)).examine(event.share)
    return {"outcome": "Examined", "rows": rows}
