"""Moves traffic where SageMaker's guardrails do not: gates, shadows, steps by weight; called again and again."""

import time
from typing import Any

from trimtab.aws import evidence
from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.functions import LambdaFunctions
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Plan, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import RolloutInProgress
from trimtab.names import ASYNC
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.checking import Checks, Functions
from trimtab.rollout.judge.sources import Sources
from trimtab.rollout.looking import Looks
from trimtab.rollout.proof import queue_of
from trimtab.rollout.shifting import Shift


class ShiftTrafficEvent(Event):
    """A planned rollout, at whatever point it is."""

    promotion: Promotion
    plan: Plan
    abandon: str = ""
    """Why it has to go back, when an earlier step of the machine has failed."""


@entrypoint(ShiftTrafficEvent)
def handler(event: ShiftTrafficEvent, runtime: Runtime) -> dict[str, Any]:
    """What comes next: another look, SageMaker's own update, or the end."""
    connected = SageMakerEndpoints.connect(), CloudWatchAlarms.connect(), SageMakerRegistry.connect()
    sources = evidence.connect(runtime.objects, runtime.capture(), runtime.spec)
    try:
        return shift(event, runtime, *connected, sources, LambdaFunctions.connect())
    except RolloutInProgress as error:
        return {"next": "look", "reason": str(error)}


def shift(
    event: ShiftTrafficEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    alarms: Alarms,
    registry: ModelRegistry,
    sources: Sources,
    functions: Functions,
) -> dict[str, Any]:
    """One look, and the one move that follows from it. Raises RolloutInProgress when the endpoint was busy."""
    promotion, plan, rollout = event.promotion, event.plan, runtime.spec.rollout
    folder = runtime.artifact("rollouts", promotion.tag)
    stored = runtime.objects, runtime.ledger
    looks = Looks(event.model, promotion, plan, rollout, *stored, sources, folder, event.at, runtime.metrics)
    queue = queue_of(rollout, endpoints, runtime.objects, runtime.capture(ASYNC, "requests"), time.sleep)
    checks = Checks(event.model, promotion, rollout.checks, functions, runtime.ledger, event.at, queue)
    ports = endpoints, alarms, runtime.objects
    made = Shift(promotion, plan, rollout, event.at, *ports, looks, checks, runtime.notifier)
    return made.look(registry.describe(promotion.package_arn), event.abandon)
