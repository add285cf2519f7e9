"""Ends a run, however it went, and names who is next; last step of the training machine, also after a failure."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger
from trimtab.training.queue import RELEASED, give_back

ACTOR = "release_training"
NEXT_STEPS = {
    "Refused": "The champion stays. Read the gates in the evaluation; train again when there are new data.",
    "Failed": "The champion stays. Read the failed job's log and start the training again.",
}


class ReleaseTrainingEvent(Event):
    """How a run ended."""

    run: str
    fence: int = 0
    outcome: str
    reason: str = ""


@entrypoint(ReleaseTrainingEvent)
def handler(event: ReleaseTrainingEvent, runtime: Runtime) -> dict[str, Any]:
    """The lease is free and the ledger says how the run ended; people are told of what needs them."""
    first = decided(runtime.ledger, RELEASED, event.run) is None
    reason = explain(runtime.ledger, event)
    data = give_back(runtime.ledger, event.run, event.fence, event.outcome, reason, event.at, ACTOR)
    if first and (next_step := NEXT_STEPS.get(event.outcome)):
        what = f"Run {event.run} ended {event.outcome}."
        link = runtime.artifact("runs", event.run, "evaluation", "evaluation.json")
        runtime.notifier.send(f"training {event.outcome.lower()}", what, reason, next_step, link)
    return {"released": data["released"], "next": data["next"], "outcome": event.outcome}


def explain(ledger: Ledger, event: ReleaseTrainingEvent) -> str:
    """What the gates said, for a refused run; else the machine's own reason."""
    judged = decided(ledger, "candidate.judged", event.run) if event.outcome == "Refused" else None
    return str(judged["summary"]) if judged else event.reason
