"""The timetable of a rollout always ends in all traffic, within SageMaker's limits, or is refused in words."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.errors import PlanError
from trimtab.rollout.guardrails import broken_limits, deployment_config, timeout_s
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import steps, waiting_s

STRATEGIES = ("canary", "linear", "all_at_once", "rolling")
rollouts = st.builds(
    RolloutSpec,
    strategy=st.sampled_from(STRATEGIES),
    percent=st.integers(5, 50),
    bake_minutes=st.integers(0, 60),
    termination_minutes=st.integers(0, 60),
)


@given(rollouts)
def test_traffic_only_grows_and_ends_at_all_of_it(rollout: RolloutSpec) -> None:
    percents = [step.percent for step in steps(rollout)]
    assert percents == sorted(set(percents))
    assert percents[-1] == 100
    assert percents[0] > 0


@given(rollouts)
def test_no_step_moves_more_than_the_spec_says_but_the_last_of_a_canary(rollout: RolloutSpec) -> None:
    percents = [0, *(step.percent for step in steps(rollout))]
    grown = [after - before for before, after in itertools.pairwise(percents)]
    if rollout.strategy in ("linear", "rolling"):
        assert all(growth <= rollout.percent for growth in grown)
    if rollout.strategy == "canary":
        assert len(grown) == 2
        assert grown[0] == rollout.percent


@given(rollouts)
def test_each_step_begins_where_the_bake_before_it_ends(rollout: RolloutSpec) -> None:
    planned = steps(rollout)
    assert planned[0].starts_s == 0
    for before, after in itertools.pairwise(planned):
        assert after.starts_s == before.starts_s + before.bake_s


@given(rollouts)
def test_a_config_is_within_every_published_limit_or_refused(rollout: RolloutSpec) -> None:
    too_long = waiting_s(rollout) >= 28_800
    if too_long or (rollout.strategy == "linear" and rollout.percent < 10):
        with pytest.raises(PlanError):
            deployment_config(rollout, ["errors", "stop"])
        return
    assert list(broken_limits(deployment_config(rollout, ["errors", "stop"]))) == []
    assert waiting_s(rollout) < timeout_s(rollout) <= 28_800


def test_waits_beyond_eight_hours_are_refused_with_what_to_change() -> None:
    slow = RolloutSpec(strategy="linear", percent=10, bake_minutes=60)
    with pytest.raises(PlanError, match=r"waits? 36000 s in 10 steps.*lower rollout.bake_minutes"):
        deployment_config(slow, ["errors"])


def test_a_linear_step_below_ten_per_cent_is_refused() -> None:
    with pytest.raises(PlanError, match=r"linear step \(per cent\) is 5, allowed are 10 to 50"):
        deployment_config(RolloutSpec(strategy="linear", percent=5), ["errors"])


def test_a_rollout_without_alarms_is_refused() -> None:
    with pytest.raises(PlanError, match="number of rollback alarms is 0"):
        deployment_config(RolloutSpec(), [])


def test_two_policies_at_once_are_refused() -> None:
    both = deployment_config(RolloutSpec(), ["a"]) | deployment_config(RolloutSpec(strategy="rolling"), ["a"])
    assert "give exactly one of BlueGreenUpdatePolicy and RollingUpdatePolicy" in list(broken_limits(both))


def test_a_canary_is_sent_as_sagemaker_wants_it() -> None:
    config = deployment_config(RolloutSpec(percent=20, bake_minutes=10, termination_minutes=5), ["errors", "stop"])
    assert config == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 600,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
            },
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 3300,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}, {"AlarmName": "stop"}]},
    }


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_config_has_the_shape_that_botocore_knows(strategy: str) -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("DeploymentConfig")
    config = deployment_config(RolloutSpec(strategy=strategy, percent=20), ["errors"])
    assert ParamValidator().validate(config, shape).generate_report() == ""
