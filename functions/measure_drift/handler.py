"""Measures how far a window has moved from its version's baseline; called by the monitoring machine."""

from typing import Any

from trimtab.contracts import Event, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.drift.window import WindowDrift


class MeasureDriftEvent(Event):
    """A window with records."""

    window: Window


@entrypoint(MeasureDriftEvent)
def handler(event: MeasureDriftEvent, runtime: Runtime) -> dict[str, Any]:
    """drift.json lies beside the window; nothing is judged on too few rows or without a baseline."""
    windows = WindowDrift(
        spec=runtime.spec,
        objects=runtime.objects,
        ledger=runtime.ledger,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )
    return windows.measured(event.window)
