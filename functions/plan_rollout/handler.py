"""Lays down how production will move to the new version; called by the promotion machine before anything moves."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.contracts import Event, Plan, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ledger.lookup import decided
from trimtab.ports import Alarms, Endpoints
from trimtab.rollout.guardrails import steps, timeout_s
from trimtab.rollout.production import arm_alarms, config_before, prepare_config
from trimtab.rollout.queue import ensure_lease
from trimtab.rollout.requests import create_request, update_request
from trimtab.rollout.served import served_name

PLANNED = "rollout.planned"


class PlanRolloutEvent(Event):
    """A promotion that passed staging."""

    promotion: Promotion


@entrypoint(PlanRolloutEvent)
def handler(event: PlanRolloutEvent, runtime: Runtime) -> dict[str, Any]:
    """Endpoint config and rollback alarms exist, and the request is ready to be sent."""
    return plan(event, runtime, SageMakerEndpoints.connect(), CloudWatchAlarms.connect())


def plan(event: PlanRolloutEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms) -> dict[str, Any]:
    """The same plan to every retry. Raises PlanError when SageMaker would refuse it or an alarm is not usable."""
    promotion = event.promotion
    ensure_lease(runtime.ledger, promotion)
    if found := decided(runtime.ledger, PLANNED, promotion.id):
        return Plan.model_validate(found).to_json()
    made = _plan(event, runtime, endpoints, alarms)
    summary = f"version {promotion.version}: {made.action} {made.endpoint} with {runtime.spec.rollout.strategy}"
    runtime.ledger.append(PLANNED, promotion.id, made.to_json() | {"summary": summary}, event.at, "plan_rollout")
    return made.to_json()


def _plan(event: PlanRolloutEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms) -> Plan:
    rollout, endpoint = runtime.spec.rollout, runtime.names.endpoint
    config = served_name(event.promotion, runtime.names)
    previous = config_before(endpoints, endpoint)
    prepare_config(endpoints, config, event.promotion, rollout, runtime.settings, runtime.capture("capture"))
    armed = arm_alarms(alarms, endpoint, config, rollout) if previous else ()
    request = update_request(endpoint, config, rollout, armed) if previous else create_request(endpoint, config)
    return Plan(
        action="update" if previous else "create",
        endpoint=endpoint,
        config=config,
        previous_config=previous,
        request=request,
        alarms=armed,
        steps=tuple(asdict(step) for step in steps(rollout)) if previous else (),
        started=event.at,
        deadline=event.at + timedelta(seconds=timeout_s(rollout)),
    )
