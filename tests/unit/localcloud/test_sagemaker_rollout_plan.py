"""Deployment guardrails as arithmetic."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.sagemaker.rollout_plan import InvalidDeploymentConfigError, plan_rollout


def blue_green(kind: str, wait: int = 60, policy: dict[str, Any] | None = None, **routing: Any) -> dict[str, Any]:
    traffic = {"Type": kind, "WaitIntervalInSeconds": wait, **routing}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, **(policy or {})}}


def size(value: int, kind: str = "CAPACITY_PERCENT") -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def rolling(value: int, kind: str = "CAPACITY_PERCENT", **more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size(value, kind), "WaitIntervalInSeconds": 10, **more}}


def test_no_policy_is_all_at_once_without_a_bake() -> None:
    plan = plan_rollout({}, 1)
    assert (plan.kind, plan.shares, plan.waiting_seconds, plan.alarms) == ("ALL_AT_ONCE", (1.0,), 0, ())


@pytest.mark.parametrize(
    ("config", "instances", "shares"),
    [
        (blue_green("ALL_AT_ONCE"), 4, (1.0,)),
        (blue_green("CANARY", CanarySize=size(10)), 4, (0.1, 1.0)),
        (blue_green("CANARY", CanarySize=size(1, "INSTANCE_COUNT")), 4, (0.25, 1.0)),
        (blue_green("LINEAR", LinearStepSize=size(50)), 4, (0.5, 1.0)),
        (blue_green("LINEAR", LinearStepSize=size(30)), 4, (0.3, 0.6, 0.9, 1.0)),
        (blue_green("LINEAR", LinearStepSize=size(1, "INSTANCE_COUNT")), 3, (1 / 3, 2 / 3, 1.0)),
        (rolling(25), 4, (0.25, 0.5, 0.75, 1.0)),
        (rolling(2, "INSTANCE_COUNT"), 5, (0.4, 0.8, 1.0)),
    ],
)
def test_traffic_moves_in_the_steps_that_the_policy_asks_for(
    config: dict[str, Any], instances: int, shares: tuple[float, ...]
) -> None:
    assert plan_rollout(config, instances).shares == pytest.approx(shares)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (blue_green("CANARY", CanarySize=size(51)), "CanarySize must be between 0 and 50 percent"),
        (blue_green("CANARY", CanarySize=size(3, "INSTANCE_COUNT")), "INSTANCE_COUNT 3 is 75 percent"),
        (blue_green("CANARY"), "CanarySize is required"),
        (blue_green("LINEAR"), "LinearStepSize is required"),
        (blue_green("LINEAR", LinearStepSize=size(9)), "between 10 and 50 percent"),
        (rolling(4), "MaximumBatchSize must be between 5 and 50 percent"),
        (rolling(50, RollbackMaximumBatchSize=size(1)), "RollbackMaximumBatchSize must be between 5 and 100"),
        (blue_green("CANARY") | rolling(50), "exactly one of"),
        (
            blue_green("ALL_AT_ONCE", 500, {"MaximumExecutionTimeoutInSeconds": 600, "TerminationWaitInSeconds": 100}),
            "must be greater than the sum of the waits",
        ),
    ],
)
def test_what_breaks_a_published_limit_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidDeploymentConfigError, match=message):
        plan_rollout(config, 4)


def test_every_shift_is_followed_by_a_bake_and_the_last_by_the_termination_wait() -> None:
    plan = plan_rollout(blue_green("CANARY", 60, {"TerminationWaitInSeconds": 30}, CanarySize=size(10)), 4)
    assert plan.waiting_seconds == 2 * 60 + 30


def test_rollback_alarms_are_the_plans() -> None:
    rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}
    assert plan_rollout(blue_green("ALL_AT_ONCE") | rollback, 1).alarms == ("a", "b")


@given(step=st.integers(10, 50), instances=st.integers(1, 20))
def test_linear_shares_grow_by_the_step_and_end_in_everything(step: int, instances: int) -> None:
    shares = plan_rollout(blue_green("LINEAR", 1, LinearStepSize=size(step)), instances).shares
    grown = [after - before for before, after in zip((0.0, *shares), shares, strict=False)]
    assert shares[-1] == 1.0
    assert all(0 < growth <= step / 100 + 1e-9 for growth in grown)
    assert len(shares) == -(-100 // step)
