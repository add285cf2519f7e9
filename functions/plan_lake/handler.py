"""Writes down what the job that judges a table in a lake is told; called by the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.gate import DropGate
from trimtab.intake.lake_job import LakeJob


class PlanLakeEvent(Event):
    """A claimed drop that points to a table."""

    drop: Drop


@entrypoint(PlanLakeEvent)
def handler(event: PlanLakeEvent, runtime: Runtime) -> dict[str, Any]:
    """The task is stored and in the ledger; the answer names the job and where it finds and leaves everything."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    execution = event.execution or event.drop.id
    job = LakeJob(gate, event.drop, runtime.temporary("lake", event.drop.id, execution))
    job.record(job.plan(), execution)
    return {"outcome": "Planned", "job": runtime.names.lake_job(event.drop.id, execution), **job.addresses}
