"""Measures performance and bias of the windows whose truth has come, and estimates those of the newest one.

Called by the monitoring machine.
"""

from typing import Any

from trimtab.contracts import Event, Message, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.parts import parts_of
from trimtab.monitoring.performance import WindowPerformance


class Joined(Message):
    """A window whose truth is known in part or whole."""

    window: str
    uri: str
    rows: int
    coverage: float


class MeasureQualityEvent(Event):
    """The window just collected, if there was traffic, and those that join_truth has just joined."""

    window: Window | None = None
    joined: tuple[Joined, ...] = ()


@entrypoint(MeasureQualityEvent)
def handler(event: MeasureQualityEvent, runtime: Runtime) -> dict[str, Any]:
    """estimate.json and bias.json lie beside the new window, quality.json and losses.json beside every joined one."""
    performance = WindowPerformance(
        spec=runtime.spec,
        objects=runtime.objects,
        ledger=runtime.ledger,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )
    return {
        "estimates": [performance.estimated(part) for part in _parts(event, runtime)],
        "windows": [report for each in event.joined for report in performance.joined(each.window, each.uri)],
    }


def _parts(event: MeasureQualityEvent, runtime: Runtime) -> list[Window]:
    """The new window, version by version."""
    return parts_of(event.window, runtime.spec.monitoring.min_rows) if event.window else []
