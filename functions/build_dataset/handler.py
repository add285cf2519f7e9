"""Makes the training set of a run from accepted drops; called by the training machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.dataset import DatasetBuilder
from trimtab.training.queue import asked_by_person


class BuildDatasetEvent(Event):
    """A run that needs data."""

    run: str


@entrypoint(BuildDatasetEvent)
def handler(event: BuildDatasetEvent, runtime: Runtime) -> dict[str, Any]:
    """The dataset is stored under its digest, or the answer says why there is none.

    A machine's request is not answered with data that were judged before; a person's is.
    """
    builder = DatasetBuilder(
        spec=runtime.spec,
        ledger=runtime.ledger,
        objects=runtime.objects,
        datasets_uri=runtime.artifact("datasets"),
        code_uri=runtime.settings.code_uri,
    )
    return builder.build(event.run, event.at, force=asked_by_person(runtime.ledger, event.run)).to_json()
