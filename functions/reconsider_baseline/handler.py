"""Writes down what a person says of the serving version's baseline; one step of a machine that approvers start."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.reconsidered import Reconsidering, Word

FOLDER = "baselines"


class ReconsiderBaselineEvent(Event):
    """A person's word."""

    window: str
    """Id of a window, or ``training``."""
    by: str
    reason: str


@entrypoint(ReconsiderBaselineEvent)
def handler(event: ReconsiderBaselineEvent, runtime: Runtime) -> dict[str, Any]:
    """Ledger and people know of it, or the ledger says why the window is no baseline."""
    reconsidering = Reconsidering(
        at=event.at,
        subject=event.execution,
        objects=runtime.objects,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
        kept_uri=lambda folder, file: runtime.artifact(FOLDER, folder, file),
    )
    return reconsidering.answer(Word(event.window, event.by, event.reason))
