"""Ends a run, however it went, and names who is next; last step of the training machine, also after a failure."""

from typing import Any

from trimtab.aws.billed_jobs import BilledJobs
from trimtab.contracts import LEAKAGE, Event, Settings
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.kinds import CANDIDATE_JUDGED, TRAINING_RELEASED
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger
from trimtab.training.cost import Bills, cost_of, in_words
from trimtab.training.failure import Failure, understand
from trimtab.training.queue import attempt_name, give_back

ACTOR = "release_training"
NEXT_STEPS = {
    "Refused": "The champion stays. Read the gates on the page; train again when there are new data.",
    "Failed": "The champion stays. Mend the cause and redrive the execution: it goes on where it failed.",
}
LEAKAGE_STEP = "The champion stays. Mend the drops or model.yaml (datasets.leakage), deploy, and train again."


class ReleaseTrainingEvent(Event):
    """How a run ended."""

    run: str
    fence: int = 0
    attempt: int = 0
    """How often the run had been taken up again."""
    outcome: str
    reason: str = ""


@entrypoint(ReleaseTrainingEvent)
def handler(event: ReleaseTrainingEvent, runtime: Runtime) -> dict[str, Any]:
    """The lease is free and the ledger says how the run ended and what it cost; people are told of what needs them."""
    return release(event, runtime, BilledJobs.connect())


def release(event: ReleaseTrainingEvent, runtime: Runtime, bills: Bills) -> dict[str, Any]:
    """The same answer to every retry."""
    name = attempt_name(event.run, event.attempt)
    first = decided(runtime.ledger, TRAINING_RELEASED, name) is None
    failure = understand(event.reason) if event.outcome == "Failed" else None
    reason = failure.message if failure else explain(runtime.ledger, event)
    entries = runtime.ledger.entries()
    cost = cost_of(bills, runtime.spec, runtime.names, entries, event.run, event.attempt)
    data = give_back(
        runtime.ledger,
        event.run,
        event.fence,
        event.outcome,
        reason,
        event.at,
        ACTOR,
        attempt=event.attempt,
        cost=cost,
    )
    if first and (next_step := step_for_people(event.outcome, reason)):
        what = f"Run {name} ended {event.outcome}{in_words(cost)}."
        link = log_link(failure, runtime.settings) if failure else None
        link = link or runtime.artifact("runs", event.run, "evaluation", "evaluation.html")
        quotes = failure is not None  # the author's own code says why
        runtime.notifier.send(f"training {event.outcome.lower()}", what, reason, next_step, link, quotes_data=quotes)
    return {"released": data["released"], "next": data["next"], "outcome": event.outcome, "reason": data["reason"]}


def step_for_people(outcome: str, reason: str) -> str | None:
    """What a person has to do now; None when the loop goes on without one."""
    leaks = outcome == "NotReady" and reason.startswith(LEAKAGE)
    return LEAKAGE_STEP if leaks else NEXT_STEPS.get(outcome)


def log_link(failure: Failure, settings: Settings) -> str | None:
    """The failed job's log in the console; partition and region are those of the topic that people are told by."""
    _, partition, _, region, *_ = settings.topic_arn.split(":")
    return failure.log_link(partition, region)


def explain(ledger: Ledger, event: ReleaseTrainingEvent) -> str:
    """What the gates said, for a refused run; else the machine's own reason."""
    judged = decided(ledger, CANDIDATE_JUDGED, event.run) if event.outcome == "Refused" else None
    return str(judged["summary"]) if judged else event.reason
