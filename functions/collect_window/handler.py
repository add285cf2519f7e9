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


@entrypoint(Event)
def handler(event: Event, runtime: Runtime) -> dict[str, Any]:
    """The window stands in the captures bucket, or nothing new was captured. A retry gives the same window."""
    if found := decided(runtime.ledger, COLLECTED, window_id(event.at)):
        return _result(dict(found))
    holder = event.execution or window_id(event.at)
    lease = runtime.ledger.lease(LEASE, holder, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another run is collecting a window; this one goes on when it has ended")
    try:
        return _result(_collection(event, runtime).collect())
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


def _result(found: dict[str, Any]) -> dict[str, Any]:
    if not found["rows"]:
        return {"outcome": "NoData", "window": None}
    return {"outcome": "Collected", "window": Window.model_validate(found).to_json()}
