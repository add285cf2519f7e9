"""Compares what serves with what was decided; called on a schedule, and when endpoint or machines have changed it."""

from typing import Any

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.aws.surroundings import AwsSurroundings
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Endpoints, ModelRegistry
from trimtab.rollout.reconciler import Reconciler
from trimtab.rollout.reconciliation import Surroundings


class ReconcileServingEvent(Event):
    """A moment at which to look."""


@entrypoint(ReconcileServingEvent)
def handler(event: ReconcileServingEvent, runtime: Runtime) -> dict[str, Any]:
    """Disagreements are measured; ledger and people know of those that are new. Nothing was repaired."""
    return reconcile(
        event, runtime, SageMakerEndpoints.connect(), SageMakerRegistry.connect(), AwsSurroundings.connect()
    )


def reconcile(
    event: ReconcileServingEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    registry: ModelRegistry,
    surroundings: Surroundings,
) -> dict[str, Any]:
    """The same look twice tells people once."""
    settings = runtime.settings
    keys = (settings.artifacts_key_id, settings.captures_key_id, settings.signing_key_id)
    reconciler = Reconciler(
        at=event.at,
        names=runtime.names,
        spec=runtime.spec,
        keys=[key for key in keys if key],
        ledger=runtime.ledger,
        endpoints=endpoints,
        registry=registry,
        surroundings=surroundings,
        notifier=runtime.notifier,
        metrics=runtime.metrics,
    )
    return reconciler.look()
