"""Joins truth that has come since to the records it belongs to; called by the monitoring machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import TRUTH_JOINED
from trimtab.ledger.lookup import decided
from trimtab.monitoring.join import Join


class JoinTruthEvent(Event):
    """A turn of a run."""

    turn: int = 0


@entrypoint(JoinTruthEvent)
def handler(event: JoinTruthEvent, runtime: Runtime) -> dict[str, Any]:
    """Every window that some truth was new to has a joined.parquet with all labels known now."""
    subject = f"join:{event.at.isoformat()}" + (f":{event.turn}" if event.turn > 1 else "")
    if found := decided(runtime.ledger, TRUTH_JOINED, subject):
        return {"joined": found["joined"]}
    join = Join(
        subject=subject,
        at=event.at,
        spec=runtime.spec,
        objects=runtime.objects,
        ledger=runtime.ledger,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )
    return {"joined": join.join()}
