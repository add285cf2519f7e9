"""Measures how far a window has moved from its version's baseline; called by the monitoring machine."""

from typing import Any

from trimtab.contracts import Event, Window
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.drift.window import WindowDrift
from trimtab.monitoring.parts import parts_of


class MeasureDriftEvent(Event):
    """A window with records."""

    window: Window


@entrypoint(MeasureDriftEvent)
def handler(event: MeasureDriftEvent, runtime: Runtime) -> dict[str, Any]:
    """drift.json lies beside the window; nothing is judged on too few rows or without a baseline.

    What other versions have answered is measured too, and stands in ``others``, each with files of its own.
    """
    windows = WindowDrift(
        spec=runtime.spec,
        objects=runtime.objects,
        ledger=runtime.ledger,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
    )
    mine, *others = [windows.measured(part) for part in parts_of(event.window, runtime.spec.monitoring.min_rows)]
    return mine | {"others": others}
