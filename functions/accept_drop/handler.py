"""Takes in a drop that passed the gate, and says whether it starts the first training; called by the intake machine."""

from dataclasses import asdict
from typing import Any

from trimtab.contracts import Drop, Event, Validation
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.acceptance import accept, first_training
from trimtab.telemetry import Metric


class AcceptDropEvent(Event):
    """A claimed drop and what validate_drop found."""

    drop: Drop
    validation: Validation


@entrypoint(AcceptDropEvent)
def handler(event: AcceptDropEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop is in the ledger, with all that a dataset needs to read it again."""
    execution = event.execution or event.drop.id
    if accept(runtime.ledger, event.drop, event.validation, execution, event.at):
        runtime.metrics.put(Metric.DROPS_ACCEPTED, 1)
    request = first_training(runtime.spec, runtime.ledger, event.drop, event.validation)
    return {"outcome": "Accepted", "training": asdict(request)}
