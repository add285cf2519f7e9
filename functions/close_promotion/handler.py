"""Ends a promotion however it went; last step of the promotion machine, and called when an execution breaks off."""

from typing import Any, Literal

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import PROMOTION_REQUESTED, Event, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.closing import Closing
from trimtab.rollout.reigns import record_of

WHY = {"ABORTED": "its execution was stopped", "TIMED_OUT": "its execution ran out of time"}


class ClosePromotionEvent(Event):
    """How the promotion ended; without ``promotion`` it failed before its approval was checked, or broke off."""

    promotion: Promotion | None = None
    package_arn: str = ""
    outcome: Literal["Serving", "RolledBack", "Refused", "Busy", "Failed"] = "Failed"
    reason: str = ""
    broken: str = ""
    """Status of an execution that ended without this step; empty when the machine itself is asking."""


@entrypoint(ClosePromotionEvent)
def handler(event: ClosePromotionEvent, runtime: Runtime) -> dict[str, Any]:
    """Nothing of the promotion is left but what serves, and ``next`` is the approval whose turn it is."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    return close(event, runtime, *connected)


def close(
    event: ClosePromotionEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> dict[str, Any]:
    """Safe to repeat: what is gone stays gone, and the ledger holds one entry."""
    promotion = record_of(runtime.ledger.entries(), event.execution) if event.broken else event.promotion
    closing = Closing(
        id=promotion.id if promotion else event.execution,
        promotion=promotion,
        at=event.at,
        names=runtime.names,
        ledger=runtime.ledger,
        notifier=runtime.notifier,
        endpoints=endpoints,
        alarms=alarms,
        registry=registry,
        rollout=runtime.spec.rollout,
    )
    closed = closing.close(event.outcome, WHY.get(event.broken, event.reason))
    if event.broken and closed["next"]:
        runtime.events.put(PROMOTION_REQUESTED, closed["next"])
    return closed
