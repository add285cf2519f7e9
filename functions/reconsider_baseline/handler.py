"""Writes down what a person says of the serving version's baseline; called by `trimtab baseline use`."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.monitoring.reconsidered import NotReconsidered, Reconsidering, Word

FOLDER = "baselines"


class ReconsiderBaselineEvent(Event):
    """A person's word; ``execution`` names it, so that a repetition changes nothing."""

    window: str
    """Id of a window, or ``training``."""
    by: str
    reason: str


@entrypoint(ReconsiderBaselineEvent)
def handler(event: ReconsiderBaselineEvent, runtime: Runtime) -> dict[str, Any]:
    """Ledger and people know of it, or the answer says why the window is no baseline."""
    reconsidering = Reconsidering(
        at=event.at,
        subject=event.execution or event.at.isoformat(),
        objects=runtime.objects,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
        window_uri=lambda window, file: runtime.capture("windows", window, file),
        kept_uri=lambda folder, file: runtime.artifact(FOLDER, folder, file),
    )
    try:
        found = reconsidering.record(Word(event.window, event.by, event.reason))
    except NotReconsidered as refused:
        return {"outcome": "Refused", "reason": str(refused)}
    return {"outcome": "Reconsidered", "version": found["version"], "window": found["window"]}
