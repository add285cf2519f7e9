"""Makes the training set of a run from accepted drops; called by the training machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.dataset import DatasetBuilder


class BuildDatasetEvent(Event):
    """A run that needs data."""

    run: str
    force: bool = False
    """Train again although nothing has changed since the last run that was judged."""


@entrypoint(BuildDatasetEvent)
def handler(event: BuildDatasetEvent, runtime: Runtime) -> dict[str, Any]:
    """The dataset is stored under its digest, or the answer says why there is none."""
    builder = DatasetBuilder(
        spec=runtime.spec,
        ledger=runtime.ledger,
        objects=runtime.objects,
        datasets_uri=runtime.artifact("datasets"),
        code_uri=runtime.settings.code_uri,
    )
    return builder.build(event.run, event.at, force=event.force).to_json()
