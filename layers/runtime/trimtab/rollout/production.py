"""Acts on the production endpoint: preparing configs, arming alarms, telling what rings, and going back."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.contracts import Plan, Promotion, Settings, Started
from trimtab.errors import EndpointFailed, EndpointNotReady, PlanError
from trimtab.names import CHALLENGER, SHADOW, VARIANT
from trimtab.ports import Alarms, Endpoints, EndpointState
from trimtab.rollout.moves import LOST
from trimtab.rollout.requests import create_serving_model, production_config, shared_config
from trimtab.rollout.rollback_alarms import STOP, alarm_name, rollback_alarms, stop_switch
from trimtab.spec.rollout import RolloutSpec


def serving_now(endpoints: Endpoints, endpoint: str) -> EndpointState | None:
    """The endpoint as it serves, None before the first version.

    Raises EndpointNotReady while something else is changing the endpoint, EndpointFailed when a person has to help.
    """
    live = endpoints.describe(endpoint)
    if live is None or live.status == "InService":
        return live
    if live.status in LOST:
        raise EndpointFailed(
            f"{endpoint} is {live.status} ({live.failure or 'no reason given'}): {_help(live)}, then approve the "
            "package again"
        )
    raise EndpointNotReady(f"{endpoint} is {live.status}")


def _help(live: EndpointState) -> str:
    """The command that brings the endpoint back; one whose rollback failed still serves, so it is not deleted."""
    if live.status == "UpdateRollbackFailed":
        command = f"update-endpoint --endpoint-name {live.name} --endpoint-config-name {live.config}"
        return f"put its last good config back with aws sagemaker {command}"
    return f"delete it with aws sagemaker delete-endpoint --endpoint-name {live.name}"


def prepare_config(
    endpoints: Endpoints, config: str, promotion: Promotion, rollout: RolloutSpec, settings: Settings, capture_uri: str
) -> dict[str, Any]:
    """SageMaker model and endpoint config of the new version exist, both named ``config``; the config is returned."""
    create_serving_model(endpoints, config, promotion, settings, serverless=rollout.endpoint.kind == "serverless")
    made = production_config(config, config, rollout, settings, capture_uri)
    endpoints.create_config(made)
    return made


def prepare_shared(
    endpoints: Endpoints, made: Mapping[str, Any], live: EndpointState, plan: Plan, percent: int
) -> None:
    """Configs in which both versions run exist, as far as the plan has them; ``percent`` is the shadow's share.

    Raises PlanError when the config that serves cannot be read.
    """
    if not plan.step_config and not plan.shadow_config:
        return
    serving = endpoints.config(live.config)
    if serving is None:
        raise PlanError(
            f"{live.name} serves {live.config}, which does not exist any more: the old version cannot be kept"
        )
    if plan.step_config:
        endpoints.create_config(shared_config(plan.step_config, made, serving, live.counts, {CHALLENGER: 0.0}))
    if plan.shadow_config:
        endpoints.create_config(shared_config(plan.shadow_config, made, serving, live.counts, {SHADOW: percent / 100}))


def arm_alarms(alarms: Alarms, config: str, fleet: Mapping[str, str], rollout: RolloutSpec) -> tuple[str, ...]:
    """Names of the rollback alarms, all of which exist and none of which rings. Raises PlanError otherwise.

    Those made here have no data yet. One of the author's own must be OK: without data it would see nothing.
    """
    requests = rollback_alarms(config, fleet, rollout)
    for request in requests:
        alarms.put(request)
    made = tuple(request["AlarmName"] for request in requests)
    states = alarms.states((*made, *rollout.alarms))
    if unusable := [*_unusable(made, states, ("OK", "INSUFFICIENT_DATA")), *_unusable(rollout.alarms, states, ("OK",))]:
        raise PlanError(f"no traffic moves without its rollback alarms: {'; '.join(unusable)}")
    return (*made, *rollout.alarms)


def _unusable(names: Sequence[str], states: Mapping[str, str], usable: Sequence[str]) -> list[str]:
    return [f"{name} is {states.get(name, 'missing')}" for name in names if states.get(name) not in usable]


def go_back(endpoints: Endpoints, alarms: Alarms, plan: Plan, live: EndpointState | None, reason: str) -> bool:
    """True when something was set in motion so that the new version stops serving; False when it does not serve.

    While traffic moves, SageMaker takes no other update, but it rolls back when one of the rollout's alarms rings. The
    one that Trimtab rings is made again first: somebody may have deleted it.
    """
    if live is None or (live.config != plan.config and live.pending_config != plan.config):
        return False
    if live.status != "InService":
        if plan.alarms:
            alarms.put(stop_switch(plan.config))
            alarms.ring(alarm_name(plan.config, STOP), reason)
        return True
    if plan.previous_config is None:
        endpoints.delete(plan.endpoint)
    else:
        endpoints.update(plan.endpoint, plan.previous_config)
    return True


def has_begun(started: Started, plan: Plan, live: EndpointState | None, ringing: Sequence[str]) -> bool:
    """Whether the endpoint was told to move, asked once it has settled.

    A request may take effect although its answer was lost. Then the new config serves, or SageMaker has gone back
    already: one of the rollout's own alarms rings, or the endpoint was changed since the plan was made. (Autoscaling
    changes it too; then a rollout that never began is told as rolled back, which it is not, but nobody is misled about
    what serves.)
    """
    changed = live is not None and live.modified is not None and live.modified > plan.started
    return not started.failure or bool(ringing) or changed or (live is not None and live.config == plan.config)


def ringing(alarms: Alarms, names: Sequence[str]) -> list[str]:
    """One sentence for each of the alarms that rings."""
    return [f"alarm {name} rings" for name, state in alarms.states(names).items() if state == "ALARM"]


def vanished(alarms: Alarms, names: Sequence[str]) -> list[str]:
    """One sentence for each of the alarms that is not there any more: nobody would see what it was there to see."""
    states = alarms.states(names)
    return [f"alarm {name} is gone" for name in names if name not in states]


def new_variant(plan: Plan) -> tuple[str, str]:
    """Config and variant in which the new version gets its first requests."""
    return (plan.step_config, CHALLENGER) if plan.step_config else (plan.config, VARIANT)
