"""Lays down how production will move to the new version; called by the promotion machine before anything moves."""

from typing import Any

from trimtab.aws.alarms import CloudWatchAlarms
from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.functions import LambdaFunctions
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Plan, Promotion
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import PlanError
from trimtab.ledger.kinds import ROLLOUT_PLANNED
from trimtab.ledger.lookup import decided
from trimtab.ports import Alarms, Endpoints, ModelRegistry
from trimtab.rollout.checking import Checks, Functions
from trimtab.rollout.planning import exclusions, plan_of, request_of
from trimtab.rollout.production import arm_alarms, new_variant, prepare_config, prepare_shared, serving_now
from trimtab.rollout.queue import ensure_may_go_on
from trimtab.rollout.rollback_alarms import fleet_dimensions
from trimtab.rollout.standing import Standing


class PlanRolloutEvent(Event):
    """A promotion that passed staging."""

    promotion: Promotion


@entrypoint(PlanRolloutEvent)
def handler(event: PlanRolloutEvent, runtime: Runtime) -> dict[str, Any]:
    """Endpoint config and rollback alarms exist, and the request is ready to be sent."""
    endpoints, alarms = SageMakerEndpoints.connect(), CloudWatchAlarms.connect()
    return plan(event, runtime, endpoints, alarms, SageMakerRegistry.connect(), LambdaFunctions.connect())


def plan(
    event: PlanRolloutEvent,
    runtime: Runtime,
    endpoints: Endpoints,
    alarms: Alarms,
    registry: ModelRegistry,
    functions: Functions,
) -> dict[str, Any]:
    """The same plan to every retry. Raises PlanError when SageMaker or a check refuses it, or an alarm is unfit.

    Raises EndpointNotReady until a champion whose endpoint did not exist serves again.
    """
    promotion = event.promotion
    ensure_may_go_on(runtime.ledger, registry, promotion)
    if found := decided(runtime.ledger, ROLLOUT_PLANNED, promotion.id):
        return Plan.model_validate(found).to_json()
    made = _plan(event, runtime, endpoints, alarms, registry)
    checks = Checks(event.model, promotion, runtime.spec.rollout.checks, functions, runtime.ledger, event.at)
    if refused := checks.before():
        raise PlanError(f"traffic does not move: {'; '.join(refused)}")
    summary = f"version {promotion.version}: {made.action} {made.endpoint} with {runtime.spec.rollout.strategy}"
    runtime.ledger.append(
        ROLLOUT_PLANNED, promotion.id, made.to_json() | {"summary": summary}, event.at, "plan_rollout"
    )
    return made.to_json()


def _plan(
    event: PlanRolloutEvent, runtime: Runtime, endpoints: Endpoints, alarms: Alarms, registry: ModelRegistry
) -> Plan:
    rollout = runtime.spec.rollout
    live = serving_now(endpoints, runtime.names.endpoint)
    if live is None:
        Standing(event.promotion.id, event.at, runtime.names, runtime.ledger, endpoints, registry).restore()
    if refused := list(exclusions(rollout, live, event.promotion.image_uri or runtime.settings.image_uri)):
        raise PlanError(f"SageMaker would refuse this rollout: {'; '.join(refused)}")
    made = plan_of(event.promotion, runtime.names, rollout, live, event.at)
    own = prepare_config(endpoints, made.config, event.promotion, rollout, runtime.settings, runtime.capture("capture"))
    if live is None:
        return made
    prepare_shared(endpoints, own, live, made, rollout.shadow.percent)
    config, variant = new_variant(made)
    armed = arm_alarms(alarms, made.config, fleet_dimensions(made.endpoint, config, variant), rollout)
    made = made.model_copy(update={"alarms": armed})
    return made.model_copy(update={"request": request_of(made, rollout)})
