"""What goes wrong around a rollout: nothing advances without evidence, the old fleet answers, one message says why."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local.conftest import LocalCloud, own_cloud
from tests.scenarios.successors import learn
from tests.scenarios.world import World, production
from tests.unit.functions.scene import ENDPOINT, PromotionRun, tiny_spec, with_rollout
from trimtab.errors import PlanError

__all__ = ["own_cloud"]

GOOD = learn(1)
BAD = GOOD.with_errors(0.05)
OURS = "arn:aws:iam::*"
OWN_ALARM = {
    "AlarmName": "sales",
    "Namespace": "Shop",
    "MetricName": "Sales",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "LessThanThreshold",
}


@pytest.fixture(scope="module")
def world(own_cloud: LocalCloud) -> Iterator[World]:
    with production(own_cloud, GOOD) as made:
        yield made


@pytest.fixture(autouse=True)
def no_faults_remain(world: World) -> Iterator[None]:
    yield
    world.interfere = None
    world.struck.clear()
    faults(world)


def faults(world: World, *plan: dict[str, Any]) -> None:
    """The plan is in force for Trimtab's calls, which are the administrator's here; SageMaker's own come as a role."""
    world.scene.cloud.admin("faults", {"seed": 7, "faults": [{"principal": OURS} | fault for fault in plan]})


def struck(world: World) -> int:
    """Calls that the plan in force has struck."""
    return sum(int(each["struck"]) for each in world.scene.cloud.admin("faults")["faults"])


def once_moving(world: World, act: Callable[[PromotionRun], object]) -> None:
    """``act`` strikes once, when the new fleet has its share of the traffic."""
    done: list[object] = []

    def strike(promotion: PromotionRun) -> None:
        if not done and world.scene.ledger.entries("rollout.shifted", promotion.execution):
            done.append(act(promotion))

    world.interfere = strike


def serving(world: World) -> tuple[str, str]:
    """Status and config of production."""
    live = world.scene.live()
    assert live is not None
    return live.status, live.config


@pytest.mark.parametrize("state", ["missing", "INSUFFICIENT_DATA", "ALARM"])
def test_no_traffic_moves_while_an_alarm_of_the_author_does_not_watch(world: World, state: str) -> None:
    before, cloudwatch = serving(world), world.scene.cloud.client("cloudwatch")
    if state != "missing":
        cloudwatch.put_metric_alarm(**OWN_ALARM)
        cloudwatch.set_alarm_state(AlarmName="sales", StateValue=state, StateReason="a test says so")
    world.scene.spec = with_rollout(tiny_spec(), alarms=("sales",))
    with pytest.raises(PlanError, match=f"no traffic moves without its rollback alarms: sales is {state}"):
        world.planned(GOOD)
    assert serving(world) == before


def test_a_rollback_alarm_deleted_by_hand_sends_traffic_back(world: World) -> None:
    before, cloudwatch = serving(world), world.scene.cloud.client("cloudwatch")
    once_moving(world, lambda run: cloudwatch.delete_alarms(AlarmNames=[run.state["plan"]["alarms"][0]]))
    ended = world.promote(GOOD)
    print(f"\nalarm deleted: {ended}")
    assert (ended.outcome, ended.failed, ended.shifted) == ("RolledBack", 0, (50,))
    assert "-errors" in ended.reason
    assert serving(world) == before


def test_metrics_that_cannot_be_read_send_traffic_back(world: World) -> None:
    before = serving(world)
    unreadable = {"kind": "throttle", "service": "monitoring", "operation": "GetMetricData"}
    once_moving(world, lambda _run: faults(world, unreadable))
    ended = world.promote(GOOD)
    print(f"\nunreadable: {ended}")
    assert (ended.outcome, ended.failed, ended.shifted) == ("RolledBack", 0, (50,))
    assert "GetMetricData" in ended.reason
    assert serving(world) == before


def test_alarms_that_sagemaker_cannot_read_send_traffic_back(world: World) -> None:
    before = serving(world)
    unreadable = {"kind": "throttle", "service": "monitoring", "operation": "DescribeAlarms", "principal": "*role*"}
    once_moving(world, lambda _run: faults(world, unreadable))
    ended = world.promote(GOOD)
    print(f"\nalarms unreadable: {ended}")
    assert (ended.outcome, ended.failed, ended.shifted) == ("RolledBack", 0, (50,))
    assert serving(world) == before


def test_without_traffic_nothing_advances(world: World) -> None:
    before = serving(world)
    ended = world.promote(GOOD, clients=0)
    print(f"\nno traffic: {ended}")
    assert (ended.outcome, ended.shifted) == ("RolledBack", (50,))
    assert "no verdict at the end of the bake" in ended.reason
    assert serving(world) == before


@pytest.mark.parametrize("kind", ["throttle", "error", "lost_answer"])
def test_calls_that_are_struck_at_random_lose_no_request_of_a_good_successor(world: World, kind: str) -> None:
    once_moving(world, lambda _run: faults(world, *striking(kind)))
    ended = world.promote(GOOD)
    print(f"\n{kind}, good: {ended}; {struck(world)} struck")
    assert (ended.outcome, ended.failed, ended.shifted) == ("Serving", 0, (50, 100)), ended
    assert struck(world) > 0


@pytest.mark.parametrize("kind", ["throttle", "error", "lost_answer"])
def test_calls_that_are_struck_at_random_keep_no_bad_successor(world: World, kind: str) -> None:
    before = serving(world)
    once_moving(world, lambda _run: faults(world, *striking(kind)))
    ended = world.promote(BAD)
    print(f"\n{kind}, bad: {ended}; {struck(world)} struck")
    assert (ended.outcome, ended.shifted) == ("RolledBack", (50,)), ended
    assert "errors" in ended.reason
    assert serving(world) == before


def striking(kind: str) -> list[dict[str, Any]]:
    """A fifth of all calls by which rollouts are seen and moved; requests to production are spared."""
    management = ("DescribeEndpoint*", "UpdateEndpoint*", "DeleteEndpoint*", "DeleteModel", "DescribeModel*")
    calls = [("monitoring", "*"), *(("sagemaker", operation) for operation in management)]
    return [{"kind": kind, "service": service, "operation": name, "probability": 0.2} for service, name in calls]


def test_a_killed_instance_of_either_fleet_costs_a_few_requests_at_most(world: World) -> None:
    faults(world, {"kind": "kill", "service": "sagemaker", "operation": "Instance", "seconds": 12, "times": 1})
    ended = world.promote(GOOD, bake_minutes=6)
    print(f"\nkilled instance: {ended}; {struck(world)} struck")
    assert struck(world) == 1
    assert serving(world)[0] == "InService"
    assert ended.failed <= 0.05 * ended.asked, ended


def delete(world: World, part: str, name: str) -> None:
    """Somebody deletes what the new fleet is made of."""
    sagemaker = world.scene.cloud.client("sagemaker")
    if part == "config":
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    else:
        sagemaker.delete_model(ModelName=name)


@pytest.mark.parametrize("part", ["config", "model"])
def test_parts_of_the_new_version_deleted_by_hand_cost_no_request_and_are_found(world: World, part: str) -> None:
    once_moving(world, lambda run: delete(world, part, run.state["plan"]["config"]))
    ended = world.promote(GOOD)
    print(f"\n{part} deleted: {ended}")
    assert ended.failed == 0, ended
    found = world.reconciled()
    assert ended.outcome == "Serving", ended
    assert set(found) == {"parts-gone"}
    assert "trimtab rollback tiny --to" in found["parts-gone"]
    world.interfere = None
    assert world.promote(GOOD).outcome == "Serving", "whole again by the next version"
    assert world.reconciled() == {}


def test_a_config_deleted_by_hand_before_the_last_step_by_weight_sends_traffic_back(world: World) -> None:
    before = serving(world)
    once_moving(world, lambda run: delete(world, "config", run.state["plan"]["config"]))
    ended = world.promote(GOOD, strategy="stepped", steps=[50, 100], bake_minutes=6)
    print(f"\nlast config deleted: {ended}")
    assert (ended.outcome, ended.failed) == ("Failed", 0), ended
    assert "endpoint configuration" in ended.reason.lower()
    assert serving(world) == before
    assert world.reconciled() == {}


def test_an_endpoint_deleted_by_hand_ends_the_rollout_with_one_message(world: World) -> None:
    once_moving(world, lambda _run: world.delete_production())
    ended = world.promote(GOOD)
    print(f"\nendpoint deleted: {ended}")
    assert ended.outcome == "RolledBack"
    assert ended.reason.startswith("the endpoint does not exist any more")
    assert world.scene.endpoints.describe(ENDPOINT) is None
