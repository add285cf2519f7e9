"""Judges a large drop by what its shares have shown; called by the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.fan_out import FanOut
from trimtab.intake.gate import DropGate


class MergeSharesEvent(Event):
    """A drop all of whose shares were looked at."""

    drop: Drop


@entrypoint(MergeSharesEvent)
def handler(event: MergeSharesEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop's report is stored, and its verdict returned: what validate_drop would have answered."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    execution = event.execution or event.drop.id
    return FanOut(gate, event.drop, runtime.temporary("shares", event.drop.id, execution)).merge().to_json()
