"""Deployment guardrails as arithmetic: which share of the traffic moves when, and which configurations are refused.

Source: the SageMaker developer guide, "Deployment guardrails", and the API reference of DeploymentConfig.
"""

from dataclasses import dataclass
from typing import Any

DeploymentConfig = dict[str, Any]
_CANARY_PERCENT = (0.0, 50.0)
_LINEAR_PERCENT = (10.0, 50.0)
_ROLLING_PERCENT = (5.0, 50.0)
_ROLLBACK_PERCENT = (5.0, 100.0)
_DEFAULT_TIMEOUT_SECONDS = 14_400
_TOLERANCE = 1e-9


class InvalidDeploymentConfigError(ValueError):
    """Raised when a DeploymentConfig breaks one of the published limits."""


@dataclass(frozen=True)
class Plan:
    """How an update goes: `shares` of the traffic (0..1, the last is 1) on the new fleet, each followed by a bake.

    `bake_seconds` follow every shift, `termination_wait_seconds` follow the last bake; alarms are watched in both.
    A rolling deployment that is rolled back gives the old fleet `rollback_shares` of its instances again.
    """

    kind: str
    shares: tuple[float, ...]
    bake_seconds: float
    termination_wait_seconds: float
    timeout_seconds: float
    alarms: tuple[str, ...]
    rollback_shares: tuple[float, ...] = (1.0,)

    @property
    def waiting_seconds(self) -> float:
        """The sum of all waits, without the time to start instances."""
        return self.bake_seconds * len(self.shares) + self.termination_wait_seconds


def plan_rollout(config: DeploymentConfig, instances: int) -> Plan:
    """The plan for a new fleet of `instances` (declared, not started); no config is all at once without a bake.

    Raises InvalidDeploymentConfigError when a published limit is broken.
    """
    alarms = tuple(alarm["AlarmName"] for alarm in config.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if "RollingUpdatePolicy" in config and "BlueGreenUpdatePolicy" in config:
        raise InvalidDeploymentConfigError(
            "DeploymentConfig must have exactly one of BlueGreenUpdatePolicy and RollingUpdatePolicy."
        )
    if "RollingUpdatePolicy" in config:
        plan = _rolling(config["RollingUpdatePolicy"], instances, alarms)
    elif "BlueGreenUpdatePolicy" in config:
        plan = _blue_green(config["BlueGreenUpdatePolicy"], instances, alarms)
    else:
        plan = Plan("ALL_AT_ONCE", (1.0,), 0, 0, _DEFAULT_TIMEOUT_SECONDS, alarms)
    if plan.waiting_seconds >= plan.timeout_seconds:
        raise InvalidDeploymentConfigError(
            f"MaximumExecutionTimeoutInSeconds ({plan.timeout_seconds:g}) must be greater than the sum of the waits "
            f"of the deployment ({plan.waiting_seconds:g} seconds)."
        )
    return plan


def _blue_green(policy: dict[str, Any], instances: int, alarms: tuple[str, ...]) -> Plan:
    routing = policy["TrafficRoutingConfiguration"]
    return Plan(
        kind=routing["Type"],
        shares=_shares(routing, instances),
        bake_seconds=routing["WaitIntervalInSeconds"],
        termination_wait_seconds=policy.get("TerminationWaitInSeconds", 0),
        timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds", _DEFAULT_TIMEOUT_SECONDS),
        alarms=alarms,
    )


def _rolling(policy: dict[str, Any], instances: int, alarms: tuple[str, ...]) -> Plan:
    batch = _fraction(policy["MaximumBatchSize"], instances, _ROLLING_PERCENT, "MaximumBatchSize")
    back = 1.0
    if "RollbackMaximumBatchSize" in policy:
        back = _fraction(policy["RollbackMaximumBatchSize"], instances, _ROLLBACK_PERCENT, "RollbackMaximumBatchSize")
    return Plan(
        kind="ROLLING",
        shares=_even_steps(batch),
        bake_seconds=policy["WaitIntervalInSeconds"],
        termination_wait_seconds=0,
        timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds", _DEFAULT_TIMEOUT_SECONDS),
        alarms=alarms,
        rollback_shares=_even_steps(back),
    )


def _shares(routing: dict[str, Any], instances: int) -> tuple[float, ...]:
    if routing["Type"] == "CANARY":
        size = _required(routing, "CanarySize")
        return (_fraction(size, instances, _CANARY_PERCENT, "CanarySize"), 1.0)
    if routing["Type"] == "LINEAR":
        size = _required(routing, "LinearStepSize")
        return _even_steps(_fraction(size, instances, _LINEAR_PERCENT, "LinearStepSize"))
    return (1.0,)


def _required(routing: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in routing:
        raise InvalidDeploymentConfigError(f"{name} is required when the traffic routing type is {routing['Type']}.")
    return dict(routing[name])


def _fraction(size: dict[str, Any], instances: int, limits: tuple[float, float], name: str) -> float:
    percent = float(size["Value"]) if size["Type"] == "CAPACITY_PERCENT" else 100.0 * size["Value"] / instances
    least, most = limits
    if not (least - _TOLERANCE <= percent <= most + _TOLERANCE and percent > 0):
        raise InvalidDeploymentConfigError(
            f"{name} must be between {least:g} and {most:g} percent of the capacity of the new fleet "
            f"({instances} instances); {size['Type']} {size['Value']} is {percent:g} percent."
        )
    return percent / 100.0


def _even_steps(step: float) -> tuple[float, ...]:
    """Shares that grow by `step` and end in exactly 1."""
    count = 1
    while count * step < 1.0 - _TOLERANCE:
        count += 1
    return (*(round(step * index, 12) for index in range(1, count)), 1.0)
