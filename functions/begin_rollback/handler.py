"""Takes production away from whatever moves it, for an earlier version to serve again; step of the rollback machine."""

from typing import Any, Literal

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.rollback import Beginning, Request


class BeginRollbackEvent(Event):
    """Somebody, or the watch after a rollout, wants an earlier version back."""

    to: int = 0
    """Version to go back to; 0 for the last one that is known to be good."""
    reason: str = ""
    by: str = ""
    patience: Literal["wait", "over"] = "wait"
    """``over`` goes on although the promotion that was stopped has not ended."""


@entrypoint(BeginRollbackEvent)
def handler(event: BeginRollbackEvent, runtime: Runtime) -> dict[str, Any]:
    """The rollback holds the lease, or the ledger says why it was refused. Raises RolloutInProgress while it waits."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    return begin(event, runtime, *connected)


def begin(
    event: BeginRollbackEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> dict[str, Any]:
    """The same version to every retry of one execution."""
    beginning = Beginning(
        id=event.execution,
        at=event.at,
        names=runtime.names,
        ledger=runtime.ledger,
        registry=registry,
        endpoints=endpoints,
        alarms=alarms,
    )
    request = Request(event.to, event.reason, event.by)
    return beginning.begin(request, wait=event.patience == "wait").to_json()
