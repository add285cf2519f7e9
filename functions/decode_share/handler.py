"""Decodes some of a large window's capture files; called by the children of the monitoring machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.shares import Shares


class DecodeShareEvent(Event):
    """The folder of a window that is planned, and the number of one of its shares."""

    plan: str
    share: int


@entrypoint(DecodeShareEvent)
def handler(event: DecodeShareEvent, runtime: Runtime) -> dict[str, Any]:
    """The share's records are stored. A line that cannot be read is counted, and never makes this fail."""
    rows = Shares(event.plan, runtime.objects).decode(event.share, runtime.spec.data)
    return {"outcome": "Decoded", "rows": rows}
