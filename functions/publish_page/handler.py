"""Writes the page of what monitoring has found; last step of the monitoring machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.names import MONITORING_PAGE
from trimtab.reports.monitoring_page import monitoring_page
from trimtab.reports.monitoring_seen import looked_at, reader, see

WINDOWS = 12
"""The newest, whose bins and limits are read from beside them."""


@entrypoint(Event)
def handler(event: Event, runtime: Runtime) -> dict[str, Any]:
    """The page lies beside the newest window, and where the newest page always lies; unchanged, it is left alone."""
    seen = see(runtime.model, looked_at(runtime.ledger), reader(runtime.objects.read), WINDOWS)
    if seen.newest is None:
        return {"outcome": "NoWindows", "page": ""}
    page, newest = monitoring_page(seen), runtime.capture(*MONITORING_PAGE)
    beside = runtime.capture("windows", seen.newest.id, MONITORING_PAGE[-1])
    written = [uri for uri in (beside, newest) if _is_new(uri, page, runtime)]
    for uri in written:
        runtime.objects.write(uri, page, "text/html; charset=utf-8")
    return {"outcome": "Written" if written else "Unchanged", "page": newest}


def _is_new(uri: str, page: bytes, runtime: Runtime) -> bool:
    """Every write would be a version of its own, and most runs find nothing new."""
    try:
        return runtime.objects.read(uri) != page
    except FileNotFoundError:
        return True
