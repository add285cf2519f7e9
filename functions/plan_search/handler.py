"""Names a run's search, its goal and the search that it learns from; called by the training machine."""

from typing import Any

from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.training.search import direction, objective, parent


class PlanSearchEvent(Event):
    """A run with a dataset."""

    run: str
    job: str


@entrypoint(PlanSearchEvent)
def handler(event: PlanSearchEvent, runtime: Runtime) -> dict[str, Any]:
    """What the tuning job is called, which way its metric is better, and its parent or null."""
    return {
        "job": runtime.names.search(event.job),
        "metric": objective(runtime.spec),
        "direction": direction(runtime.spec),
        "parent": parent(runtime.ledger, runtime.spec),
    }
