"""Ends a promotion however it went; last step of the promotion machine, also after an error."""

from typing import Any, Literal

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.closing import Closing


class ClosePromotionEvent(Event):
    """How the promotion ended; without ``promotion`` it failed before its approval was checked."""

    promotion: Promotion | None = None
    package_arn: str = ""
    outcome: Literal["Serving", "RolledBack", "Refused", "Busy", "Failed"]
    reason: str = ""


@entrypoint(ClosePromotionEvent)
def handler(event: ClosePromotionEvent, runtime: Runtime) -> dict[str, Any]:
    """Nothing of the promotion is left but what serves, and ``next`` is the approval whose turn it is."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    return close(event, runtime, *connected)


def close(
    event: ClosePromotionEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> dict[str, Any]:
    """Safe to repeat: what is gone stays gone, and the ledger holds one entry."""
    closing = Closing(
        id=event.promotion.id if event.promotion else event.execution,
        promotion=event.promotion,
        at=event.at,
        names=runtime.names,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
        endpoints=endpoints,
        alarms=alarms,
        registry=registry,
    )
    return closing.close(event.outcome, event.reason)
