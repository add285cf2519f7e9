"""Takes over the verdict of the job that judged a table in a lake; called by the intake machine."""

from typing import Any

from trimtab.contracts import Drop, Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.intake.gate import DropGate
from trimtab.intake.lake_job import LakeJob


class ReadLakeEvent(Event):
    """A drop whose table a job has judged."""

    drop: Drop


@entrypoint(ReadLakeEvent)
def handler(event: ReadLakeEvent, runtime: Runtime) -> dict[str, Any]:
    """The drop's report is stored, and its verdict returned: what validate_drop would have answered."""
    folder, references = runtime.artifact("reports", event.drop.id), runtime.artifact("references")
    gate = DropGate(runtime.spec, runtime.objects, runtime.ledger, folder, references)
    execution = event.execution or event.drop.id
    job = LakeJob(gate, event.drop, runtime.temporary("lake", event.drop.id, execution))
    return job.read().to_json()
