"""Looks at production while SageMaker moves traffic; called by the promotion machine, again and again."""

import time
from typing import Any

from trimtab.aws import evidence
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.functions import LambdaFunctions
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Plan, Promotion, Started
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import RolloutInProgress
from trimtab.names import ASYNC
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.checking import Checks, Functions
from trimtab.rollout.judge.sources import Sources
from trimtab.rollout.looking import Looks
from trimtab.rollout.proof import queue_of
from trimtab.rollout.watching import Watch


class WatchRolloutEvent(Event):
    """A rollout that was started, or whose start was not answered."""

    promotion: Promotion
    plan: Plan
    started: Started = Started()


@entrypoint(WatchRolloutEvent)
def handler(event: WatchRolloutEvent, runtime: Runtime) -> dict[str, Any]:
    """Whether the endpoint has settled, and what it came to; the machine waits and asks again until it has."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    sources = evidence.connect(runtime.objects, runtime.capture(), runtime.spec)
    try:
        return watch(event, runtime, *connected, sources, LambdaFunctions.connect())
    except RolloutInProgress as error:
        return {"settled": False, "reason": str(error)}


def watch(
    event: WatchRolloutEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    alarms: Alarms,
    registry: ModelRegistry,
    sources: Sources,
    functions: Functions,
) -> dict[str, Any]:
    """What the rollout came to. A withdrawn approval, a bad verdict or none, a check or an alarm sends traffic back.

    Raises RolloutInProgress until it has come to something.
    """
    promotion, plan, rollout = event.promotion, event.plan, runtime.spec.rollout
    folder = runtime.artifact("rollouts", promotion.tag)
    stored = runtime.objects, runtime.ledger
    looks = Looks(event.model, promotion, plan, rollout, *stored, sources, folder, event.at, runtime.metrics)
    queue = queue_of(rollout, endpoints, runtime.objects, runtime.capture(ASYNC, "requests"), time.sleep)
    checks = Checks(event.model, promotion, rollout.checks, functions, runtime.ledger, event.at, queue)
    seen = Watch(promotion, plan, rollout, event.at, endpoints, alarms, runtime.objects, looks, checks)
    return seen.look(registry.describe(promotion.package_arn), event.started).to_json()
