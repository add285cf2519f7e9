"""Cuts a large drop into shares that are validated side by side; called by the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.fan_out import FanOut, record_plan
from trimtab.intake.gate import DropGate


class PlanSharesEvent(Event):
    """A claimed drop."""

    drop: Drop


@entrypoint(PlanSharesEvent)
def handler(event: PlanSharesEvent, runtime: Runtime) -> dict[str, Any]:
    """The plan is stored and in the ledger; the answer numbers its shares."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    execution = event.execution or event.drop.id
    shares = FanOut(gate, event.drop, runtime.temporary("shares", event.drop.id, execution)).plan()
    record_plan(runtime.ledger, event.drop, shares, execution, event.at)
    return {"outcome": "Planned", "shares": list(range(shares))}
