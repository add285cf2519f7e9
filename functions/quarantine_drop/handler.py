"""Sets a refused drop aside with its reason and tells people; called by the intake machine."""

from dataclasses import asdict
from typing import Any

from trimtab.contracts import Drop, Event, Validation
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.quarantine import Quarantine
from trimtab.telemetry import Metric


class QuarantineDropEvent(Event):
    """A claimed drop and what validate_drop found."""

    drop: Drop
    validation: Validation


@entrypoint(QuarantineDropEvent)
def handler(event: QuarantineDropEvent, runtime: Runtime) -> dict[str, Any]:
    """A copy and the reason lie in the quarantine folder, the original is untouched, and the ledger says so."""
    quarantine = Quarantine(
        model=runtime.model,
        drop=event.drop,
        validation=event.validation,
        execution=event.execution or event.drop.id,
        at=event.at,
        objects=runtime.objects,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
    )
    place, is_new = quarantine.refuse()
    if is_new:
        runtime.metrics.put(Metric.DROPS_QUARANTINED, 1)
    return {"outcome": "Quarantined", **asdict(place)}
