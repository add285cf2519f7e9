"""Acts on the production endpoint: preparing a config, arming its alarms, watching it, and going back."""

from collections.abc import Sequence

from trimtab.contracts import Plan, Promotion, Settings, Started
from trimtab.errors import EndpointFailed, EndpointNotReady, PlanError
from trimtab.ports import Alarms, Endpoints, EndpointState
from trimtab.rollout.fleets import same_window
from trimtab.rollout.judge import Verdict, judge_errors
from trimtab.rollout.requests import create_serving_model, production_config
from trimtab.rollout.rollback_alarms import STOP, alarm_name, fleet_dimensions, rollback_alarms
from trimtab.spec.rollout import RolloutSpec

_LOST = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})


def config_before(endpoints: Endpoints, endpoint: str) -> str | None:
    """Endpoint config that serves now, None before the first version.

    Raises EndpointNotReady while something else is changing the endpoint, EndpointFailed when a person has to help.
    """
    live = endpoints.describe(endpoint)
    if live is None:
        return None
    if live.status in _LOST:
        raise EndpointFailed(
            f"{endpoint} is {live.status} ({live.failure or 'no reason given'}): delete it with aws sagemaker "
            f"delete-endpoint --endpoint-name {endpoint}, then approve the package again"
        )
    if live.status != "InService":
        raise EndpointNotReady(f"{endpoint} is {live.status}")
    return live.config


def prepare_config(
    endpoints: Endpoints, config: str, promotion: Promotion, rollout: RolloutSpec, settings: Settings, capture_uri: str
) -> None:
    """SageMaker model and endpoint config of the new version exist, both named ``config``."""
    create_serving_model(endpoints, config, promotion, settings, serverless=rollout.endpoint.kind == "serverless")
    endpoints.create_config(production_config(config, config, rollout, settings, capture_uri))


def arm_alarms(alarms: Alarms, endpoint: str, config: str, rollout: RolloutSpec) -> tuple[str, ...]:
    """Names of the rollback alarms, all of which exist and none of which rings. Raises PlanError otherwise."""
    requests = rollback_alarms(endpoint, config, rollout)
    for request in requests:
        alarms.put(request)
    names = tuple(request["AlarmName"] for request in requests)
    states = alarms.states(names)
    unusable = [f"{name} is {states.get(name, 'missing')}" for name in names if states.get(name) in (None, "ALARM")]
    if unusable:
        raise PlanError(f"no traffic moves without its rollback alarms: {'; '.join(unusable)}")
    return names


def judge_fleets(alarms: Alarms, plan: Plan, rollout: RolloutSpec) -> Verdict | None:
    """New and old fleet over the same minutes; None when there is no old fleet."""
    if plan.previous_config is None:
        return None
    new, old = (fleet_dimensions(plan.endpoint, config) for config in (plan.config, plan.previous_config))
    counts = [
        alarms.sums(metric, fleet, plan.started, plan.deadline)
        for fleet in (new, old)
        for metric in ("Invocations", "Invocation5XXErrors")
    ]
    mine, theirs = same_window(*counts)
    return judge_errors(mine, theirs, max_error_share=rollout.max_error_share, min_requests=rollout.min_requests)


def go_back(endpoints: Endpoints, alarms: Alarms, plan: Plan, live: EndpointState | None, reason: str) -> bool:
    """True when something was set in motion so that the new version stops serving; False when it does not serve.

    While traffic moves, SageMaker takes no other update, but it rolls back when one of the rollout's alarms rings.
    """
    if live is None or (live.config != plan.config and live.pending_config != plan.config):
        return False
    if live.status != "InService":
        if plan.alarms:
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
    already because one of the rollout's own alarms rings.
    """
    return not started.failure or bool(ringing) or (live is not None and live.config == plan.config)


def ringing(alarms: Alarms, names: Sequence[str]) -> list[str]:
    """One sentence for each of the alarms that rings."""
    return [f"alarm {name} rings" for name, state in alarms.states(names).items() if state == "ALARM"]
