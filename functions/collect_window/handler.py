"""Collects the traffic captured since the last window; first step of the monitoring machine."""

from typing import Any

from trimtab.contracts import Event, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.ledger.lookup import decided
from trimtab.monitoring.collect import COLLECTED, Collection
from trimtab.monitoring.windows import window_id
from trimtab.names import VARIANT

LEASE, LEASE_S = "window", 900.0


class CollectWindowEvent(Event):
    """A turn of a run."""

    turn: int = 0
    """Turns of this run that have ended."""
    windows: int = 0
    """Windows with traffic that they have collected."""


@entrypoint(CollectWindowEvent)
def handler(event: CollectWindowEvent, runtime: Runtime) -> dict[str, Any]:
    """The window stands in the captures bucket, or nothing new was captured. A retry gives the same window."""
    if found := decided(runtime.ledger, COLLECTED, window_id(event.at)):
        return _result(dict(found), event)
    holder = event.execution or window_id(event.at)
    lease = runtime.ledger.lease(LEASE, holder, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another run is collecting a window; this one goes on when it has ended")
    try:
        return _result(_collection(event, runtime).collect(), event)
    finally:
        runtime.ledger.release(LEASE, holder, lease.fence)


def _collection(event: Event, runtime: Runtime) -> Collection:
    return Collection(
        at=event.at,
        data=runtime.spec.data,
        objects=runtime.objects,
        ledger=runtime.ledger,
        capture_uri=runtime.capture("capture", runtime.names.endpoint, VARIANT),
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )


def _result(found: dict[str, Any], event: CollectWindowEvent) -> dict[str, Any]:
    turn = {"turn": event.turn + 1, "more": False}
    if not found["rows"]:
        return turn | {"outcome": "NoData", "window": None, "windows": event.windows}
    window = Window.model_validate(found).to_json()
    return turn | {"outcome": "Collected", "window": window, "windows": event.windows + 1}
