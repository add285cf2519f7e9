"""SageMaker's deployment guardrails from the spec: the request and its limits.

Source of the limits: SageMaker API reference, DeploymentConfig and its members; developer guide, "Deployment
guardrails".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trimtab.errors import PlanError
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import PROVISIONING_S, SAGEMAKERS_LONGEST_S, steps, waiting_s

TIMEOUT_S = (600, SAGEMAKERS_LONGEST_S)
WAIT_S = (0, 3600)
ALARMS = (1, 10)
CANARY_PERCENT = (1, 50)
LINEAR_PERCENT = (10, 50)
ROLLING_PERCENT = (5, 50)


def timeout_s(rollout: RolloutSpec) -> int:
    """Seconds after which SageMaker gives the update up: all waits and the time to provision.

    Raises PlanError when the waits alone exceed what SageMaker allows.
    """
    shortest, longest = TIMEOUT_S
    if waiting_s(rollout) >= longest:
        raise PlanError(
            f"the rollout would wait {waiting_s(rollout)} s in {len(steps(rollout))} steps, and SageMaker ends an "
            f"update after {longest} s: lower rollout.bake_minutes or raise rollout.percent"
        )
    batches = len(steps(rollout)) if rollout.moved_by == "rolling" else 1
    return min(longest, max(shortest, waiting_s(rollout) + batches * PROVISIONING_S))


def deployment_config(rollout: RolloutSpec, alarms: Sequence[str]) -> dict[str, Any]:
    """DeploymentConfig for UpdateEndpoint. Raises PlanError that lists every limit it would break."""
    policy = _rolling(rollout) if rollout.moved_by == "rolling" else _blue_green(rollout)
    config = {**policy, "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}
    if problems := list(broken_limits(config)):
        raise PlanError("SageMaker would refuse this rollout: " + "; ".join(problems))
    return config


def _capacity(percent: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": percent}


def _rolling(rollout: RolloutSpec) -> dict[str, Any]:
    policy = {
        "MaximumBatchSize": _capacity(rollout.percent),
        "WaitIntervalInSeconds": rollout.bake_minutes * 60,
        "MaximumExecutionTimeoutInSeconds": timeout_s(rollout),
    }
    return {"RollingUpdatePolicy": policy}


def _blue_green(rollout: RolloutSpec) -> dict[str, Any]:
    routing: dict[str, Any] = {"Type": rollout.moved_by.upper(), "WaitIntervalInSeconds": rollout.bake_minutes * 60}
    if rollout.moved_by == "canary":
        routing["CanarySize"] = _capacity(rollout.percent)
    if rollout.moved_by == "linear":
        routing["LinearStepSize"] = _capacity(rollout.percent)
    policy = {
        "TrafficRoutingConfiguration": routing,
        "TerminationWaitInSeconds": rollout.termination_minutes * 60,
        "MaximumExecutionTimeoutInSeconds": timeout_s(rollout),
    }
    return {"BlueGreenUpdatePolicy": policy}


def broken_limits(config: Mapping[str, Any]) -> Iterator[str]:
    """One sentence for each published limit that a DeploymentConfig breaks; none when SageMaker takes it."""
    policies = [name for name in ("BlueGreenUpdatePolicy", "RollingUpdatePolicy") if name in config]
    if len(policies) != 1:
        yield "give exactly one of BlueGreenUpdatePolicy and RollingUpdatePolicy"
    alarms = config.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    yield from _outside("number of rollback alarms", len(alarms), ALARMS)
    if "BlueGreenUpdatePolicy" in config:
        yield from _blue_green_limits(config["BlueGreenUpdatePolicy"])
    if "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        yield from _outside("rolling batch (per cent)", policy["MaximumBatchSize"]["Value"], ROLLING_PERCENT)
        yield from _outside("WaitIntervalInSeconds", policy["WaitIntervalInSeconds"], WAIT_S)
        yield from _outside("MaximumExecutionTimeoutInSeconds", policy["MaximumExecutionTimeoutInSeconds"], TIMEOUT_S)


def _blue_green_limits(policy: Mapping[str, Any]) -> Iterator[str]:
    routing = policy["TrafficRoutingConfiguration"]
    if "CanarySize" in routing:
        yield from _outside("canary size (per cent)", routing["CanarySize"]["Value"], CANARY_PERCENT)
    if "LinearStepSize" in routing:
        yield from _outside("linear step (per cent)", routing["LinearStepSize"]["Value"], LINEAR_PERCENT)
    yield from _outside("WaitIntervalInSeconds", routing["WaitIntervalInSeconds"], WAIT_S)
    yield from _outside("TerminationWaitInSeconds", policy["TerminationWaitInSeconds"], WAIT_S)
    yield from _outside("MaximumExecutionTimeoutInSeconds", policy["MaximumExecutionTimeoutInSeconds"], TIMEOUT_S)


def _outside(what: str, value: int, limits: tuple[int, int]) -> Iterator[str]:
    least, most = limits
    if not least <= value <= most:
        yield f"{what} is {value}, allowed are {least} to {most}"
