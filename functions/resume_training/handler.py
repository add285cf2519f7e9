"""Ends the execution of a run that failed, and takes the run up again when a person redrives it."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import TrainingFailed
from trimtab.training.queue import LEASE, job_name, take_again

ACTOR = "resume_training"


class ResumeTrainingEvent(Event):
    """A run that failed."""

    run: str
    redrives: int
    """How often the execution has been redriven by now."""
    failed_after: int
    """How often it had been when the run failed."""
    reason: str = ""
    requested_by: str = ""


@entrypoint(ResumeTrainingEvent)
def handler(event: ResumeTrainingEvent, runtime: Runtime) -> dict[str, Any]:
    """After a redrive the run holds the lease again. Raises TrainingFailed before one, or while another run trains."""
    if event.redrives <= event.failed_after:
        raise TrainingFailed(f"{event.reason} Mend the cause and redrive this execution: it goes on where it failed.")
    lease = take_again(runtime.ledger, runtime.spec.training, event.run, event.redrives, event.at, ACTOR)
    if lease is None:
        held = runtime.ledger.lease_holder(LEASE)
        holder = held.holder if held else "another run"
        raise TrainingFailed(f"{holder} is training now: redrive {event.run} when it has ended")
    return {
        "granted": True,
        "run": event.run,
        "job": job_name(event.run, event.redrives),
        "attempt": event.redrives,
        "fence": lease.fence,
        "holder": event.run,
        "requested_by": event.requested_by,
    }
