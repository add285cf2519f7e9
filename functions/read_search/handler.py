"""Reads what a search has found, records it and draws it; called by the training machine."""

from typing import Any

from trimtab.aws.searches import SageMakerSearches
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.search import Search
from trimtab.training.trials import Searches


class ReadSearchEvent(Event):
    """A run whose search has ended."""

    run: str
    search_job: str
    failure: str = ""
    """The error in which the search ended, as Step Functions caught it; empty when it ended well."""


@entrypoint(ReadSearchEvent)
def handler(event: ReadSearchEvent, runtime: Runtime) -> dict[str, Any]:
    """The best hyperparameters. Raises SearchFailed when too many trials failed or none gave a value."""
    return read(event, runtime, SageMakerSearches.connect())


def read(event: ReadSearchEvent, runtime: Runtime, searches: Searches) -> dict[str, Any]:
    """The same answer to every retry."""
    search = Search(
        spec=runtime.spec,
        run=event.run,
        job=event.search_job,
        folder_uri=runtime.artifact("runs", event.run),
        ledger=runtime.ledger,
        objects=runtime.objects,
    )
    return search.conclude(searches, event.at, event.failure)
