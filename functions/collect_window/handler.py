"""Collects the traffic captured since the last window; first step of the monitoring machine."""

from typing import Any

from trimtab.contracts import Event, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import LedgerConflict
from trimtab.monitoring.collect import Collection
from trimtab.monitoring.shares import Shares
from trimtab.monitoring.target import Target
from trimtab.monitoring.windows import stamp
from trimtab.names import CHALLENGER, VARIANT
from trimtab.telemetry import Metric

LEASE, LEASE_S = "window", 900.0
SHARED_LEASE_S = 4 * 3600.0
"""While a window is decoded in shares."""
TELLING = 5
"""Fewer requests that cannot be read are no share worth an alarm, however few there were in all."""


class CollectWindowEvent(Event):
    """A turn of a run."""

    turn: int = 0
    """Turns of this run that have ended."""
    windows: int = 0
    """Windows with traffic that they have collected."""
    plan: str = ""
    """Folder of a window that was planned in this turn, and whose shares were all decoded since."""


@entrypoint(CollectWindowEvent)
def handler(event: CollectWindowEvent, runtime: Runtime) -> dict[str, Any]:
    """The window stands in the captures bucket, or nothing new was captured. A retry gives the same window."""
    collection = _collection(event, runtime)
    holder = event.execution or stamp(event.at)
    if found := collection.earlier():
        _let_go(runtime, holder)
        return _told(found, event, runtime)
    lease = runtime.ledger.lease(LEASE, holder, event.at, LEASE_S)
    if lease is None:
        raise LedgerConflict("another run is collecting a window; this one goes on when it has ended")
    try:
        found = _collected(collection, event, runtime)
    except BaseException:
        runtime.ledger.release(LEASE, holder, lease.fence)
        raise
    if found["outcome"] == "Large":
        runtime.ledger.lease(LEASE, holder, event.at, SHARED_LEASE_S)
    else:
        runtime.ledger.release(LEASE, holder, lease.fence)
    return found


def _let_go(runtime: Runtime, holder: str) -> None:
    """Of an attempt that died after it had recorded its window, nothing is held any more."""
    held = runtime.ledger.lease_holder(LEASE)
    if held and held.holder == holder:
        runtime.ledger.release(LEASE, holder, held.fence)


def _collected(collection: Collection, event: CollectWindowEvent, runtime: Runtime) -> dict[str, Any]:
    if event.plan:
        return _told(Shares(event.plan, runtime.objects).merge(collection), event, runtime)
    found = collection.collect()
    if not isinstance(found, Target):
        return _told(found, event, runtime)
    folder = runtime.temporary("windows", found.id, event.execution or stamp(event.at))
    count = Shares(folder, runtime.objects).plan(found, runtime.spec.monitoring.windows.fan_out.share_megabytes)
    turn = {"turn": event.turn, "windows": event.windows, "more": False}
    return turn | {"outcome": "Large", "window": None, "plan": folder, "shares": list(range(count))}


def _collection(event: CollectWindowEvent, runtime: Runtime) -> Collection:
    return Collection(
        at=event.at,
        turn=event.turn,
        spec=runtime.spec,
        objects=runtime.objects,
        ledger=runtime.ledger,
        capture_uris=[runtime.capture("capture", runtime.names.endpoint, name) for name in (VARIANT, CHALLENGER)],
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )


def _told(found: dict[str, Any], event: CollectWindowEvent, runtime: Runtime) -> dict[str, Any]:
    """The answer. What could not be read is measured here, as a window of nothing else is not looked at further."""
    requests, unreadable = (int(found.get(name, 0)) for name in ("requests", "unreadable"))
    if requests + unreadable:
        share = unreadable / (requests + unreadable) if unreadable >= TELLING else 0.0
        runtime.metrics.put(Metric.UNREADABLE, share)
    return _result(found, event)


def _result(found: dict[str, Any], event: CollectWindowEvent) -> dict[str, Any]:
    turn = {"turn": event.turn + 1, "more": found.get("more", False)}
    if not found["rows"]:
        return turn | {"outcome": "NoData", "window": None, "windows": event.windows}
    window = Window.model_validate(found).to_json()
    return turn | {"outcome": "Collected", "window": window, "windows": event.windows + 1}
