"""A plan names the config, the alarms and the request, and is made by whoever holds the lease."""

from dataclasses import replace
from datetime import timedelta

import pytest

from functions.rest_endpoint.handler import RestEndpointEvent, rest
from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    approved,
    moving,
    serve_first_version,
    with_rollout,
)
from trimtab.contracts import Plan
from trimtab.errors import EndpointFailed, EndpointNotReady, LeaseLost, PlanError
from trimtab.spec.timetable import longest_s


def test_a_second_version_is_rolled_out_by_canary_with_alarms_on_its_own_fleet(scene: Scene) -> None:
    run = moving(scene)
    plan = run.state["plan"]
    assert plan["action"] == "update"
    assert plan["previous_config"] != plan["config"]
    assert plan["alarms"] == [f"{plan['config']}-errors", f"{plan['config']}-stop"]
    named = [alarm["AlarmName"] for alarm in plan["request"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]]
    assert named == plan["alarms"]
    assert [step["percent"] for step in plan["steps"]] == [20, 100]
    config = scene.endpoints.configs[plan["config"]]
    assert config["DataCaptureConfig"]["DestinationS3Uri"] == "s3://captures/tiny/capture"
    assert config["ProductionVariants"][0]["VariantName"] == "main"


def test_production_serves_the_very_artifact_that_staging_tested(scene: Scene) -> None:
    run = moving(scene)
    config = scene.endpoints.configs[run.state["plan"]["config"]]
    served = scene.endpoints.models[config["ProductionVariants"][0]["ModelName"]]
    assert served["artifact_uri"] == scene.endpoints.models[run.state["staging"]["sagemaker_model"]]["artifact_uri"]
    assert served["environment"]["TRIMTAB_VERSION"] == "2"


def test_an_execution_whose_lease_passed_on_moves_no_traffic(scene: Scene) -> None:
    run = PromotionRun(scene, "slow")
    run.check(approved(scene))
    scene.later(days=1)
    other = PromotionRun(scene, "other")
    assert other.check(approved(scene, "run-3"))["outcome"] == "Approved"
    with pytest.raises(LeaseLost, match="slow lost the lease to other"):
        run.plan()
    assert run.close("Failed")["released"] is False
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    assert held.holder == "other"


@pytest.mark.parametrize(("status", "error"), [("Updating", EndpointNotReady), ("Failed", EndpointFailed)])
def test_no_plan_is_made_for_an_endpoint_that_is_not_in_service(
    scene: Scene, status: str, error: type[Exception]
) -> None:
    serve_first_version(scene)
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    scene.endpoints.endpoints[ENDPOINT] = replace(scene.endpoints.endpoints[ENDPOINT], status=status)
    with pytest.raises(error):
        run.plan()


def test_a_retry_keeps_the_plan_although_time_and_endpoint_have_moved_on(scene: Scene) -> None:
    run = moving(scene)
    first = run.state["plan"]
    scene.endpoints.settle(ENDPOINT)
    scene.later(minutes=30)
    assert run.plan() == first
    planned = scene.ledger.entries("rollout.planned", "second")
    assert [entry.data["summary"] for entry in planned] == [f"version 2: update {ENDPOINT} with canary"]


def test_a_first_version_is_planned_without_alarms_since_nothing_can_be_gone_back_to(scene: Scene) -> None:
    run = PromotionRun(scene, "first")
    plan = run.to_plan(approved(scene, "run-1"))
    assert (plan["action"], plan["previous_config"], plan["alarms"], plan["steps"]) == ("create", None, [], [])
    assert plan["request"] == {"EndpointName": ENDPOINT, "EndpointConfigName": plan["config"]}
    assert scene.alarms.requests == {}


def rollout_of(scene: Scene, **rollout: object) -> PromotionRun:
    """The promotion of version 2 by another rollout than the spec's."""
    serve_first_version(scene)
    scene.spec = with_rollout(scene.spec, **rollout)
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    return run


def test_both_versions_have_as_many_instances_as_serve_now_before_traffic_is_shared(scene: Scene) -> None:
    serve_first_version(scene)
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, counts={"main": 5})
    scene.spec = with_rollout(scene.spec, strategy="stepped", steps=[1, {"percent": 50, "gate": "manual"}, 100])
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    plan = run.state["plan"]
    assert (plan["conducted"], plan["step_config"]) == (True, f"{plan['config']}-steps")
    assert [(step["percent"], step["gate"]) for step in plan["steps"]] == [(1, ""), (50, "manual"), (100, "")]
    main, challenger = scene.endpoints.configs[plan["step_config"]]["ProductionVariants"]
    assert (main["VariantName"], main["InitialVariantWeight"], main["InitialInstanceCount"]) == ("main", 1.0, 5)
    assert main["ModelName"].startswith("trimtab-test-tiny-v1-")
    assert (challenger["VariantName"], challenger["InitialVariantWeight"]) == ("challenger", 0.0)
    assert (challenger["ModelName"], challenger["InitialInstanceCount"]) == (plan["config"], 5)
    watched = scene.alarms.requests[f"{plan['config']}-errors"]["Metrics"][0]["MetricStat"]["Metric"]["Dimensions"]
    assert {"Name": "VariantName", "Value": "challenger"} in watched


def test_a_shadow_gets_copies_by_its_weight_and_traffic_moves_by_guardrails_afterwards(scene: Scene) -> None:
    plan = rollout_of(scene, strategy="shadow", shadow={"percent": 30, "then": "linear"}).state["plan"]
    config = scene.endpoints.configs[plan["shadow_config"]]
    assert [each["VariantName"] for each in config["ProductionVariants"]] == ["main"]
    (shadow,) = config["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("shadow", 0.3)
    policy = plan["request"]["DeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert policy["Type"] == "LINEAR"


@pytest.mark.parametrize(
    ("running", "kept"),
    [(2, ["DesiredWeight", "DataCaptureConfig", "DesiredInstanceCount"]), (7, ["DesiredWeight", "DataCaptureConfig"])],
)
def test_instances_that_autoscaling_added_are_kept_and_nothing_else_of_the_old_config(
    scene: Scene, running: int, kept: list[str]
) -> None:
    serve_first_version(scene)
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, counts={"main": running})
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    request = run.state["plan"]["request"]
    assert request["RetainAllVariantProperties"] is True
    assert [each["VariantPropertyType"] for each in request["ExcludeRetainedVariantProperties"]] == kept
    assert run.state["plan"]["instances"] == max(running, 2)


@pytest.mark.parametrize(
    ("rollout", "complaint"),
    [
        ({"instance_type": "ml.inf1.xlarge"}, "moves all traffic at once and without a bake"),
        ({"strategy": "rolling", "instance_count": 1}, "one instance cannot be replaced in batches"),
        ({"strategy": "linear", "percent": 5}, "linear step .* is 5, allowed are 10 to 50"),
        ({"alarms": ["orders"]}, "orders is missing"),
    ],
)
def test_what_sagemaker_refuses_or_does_otherwise_is_refused_before_anything_moves(
    scene: Scene, rollout: dict[str, object], complaint: str
) -> None:
    with pytest.raises(PlanError, match=complaint):
        rollout_of(scene, **rollout)
    assert scene.endpoints.endpoints[ENDPOINT].status == "InService"


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_an_alarm_of_ones_own_must_be_ok_before_traffic_moves(scene: Scene, state: str) -> None:
    scene.alarms.put({"AlarmName": "orders", "MetricName": "Orders"})
    scene.alarms.state["orders"] = state
    with pytest.raises(PlanError, match=f"orders is {state}"):
        rollout_of(scene, alarms=["orders"])


def test_alarms_of_ones_own_are_among_those_that_end_the_rollout(scene: Scene) -> None:
    scene.alarms.put({"AlarmName": "orders", "MetricName": "Orders"})
    scene.alarms.state["orders"] = "OK"
    plan = rollout_of(scene, alarms=["orders"]).state["plan"]
    named = plan["request"]["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"]
    assert [each["AlarmName"] for each in named] == [f"{plan['config']}-errors", f"{plan['config']}-stop", "orders"]


def test_a_check_that_says_no_beforehand_keeps_traffic_where_it_is(scene: Scene) -> None:
    scene.functions.against = {"no-freeze": "orders are frozen until Monday"}
    with pytest.raises(PlanError, match="check no-freeze said no: orders are frozen until Monday"):
        rollout_of(scene, checks={"before": ["no-freeze"]})
    assert scene.ledger.entries("rollout.planned", "second") == []


def test_an_endpoint_whose_rollback_failed_is_brought_back_and_not_deleted(scene: Scene) -> None:
    serve_first_version(scene)
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, status="UpdateRollbackFailed")
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    with pytest.raises(
        EndpointFailed, match=f"update-endpoint --endpoint-name {ENDPOINT} --endpoint-config-name {live.config}"
    ):
        run.plan()


@pytest.mark.parametrize("asleep", [True, False])
def test_a_champion_whose_endpoint_is_gone_stands_again_before_its_successor_is_compared_with_it(
    scene: Scene, asleep: bool
) -> None:
    champion = serve_first_version(scene).state["plan"]["config"]
    if asleep:
        rest(RestEndpointEvent.model_validate(scene.event("", act="sleep")), scene.runtime, scene.endpoints)
    scene.endpoints.delete(ENDPOINT)
    run = PromotionRun(scene, "second")
    with pytest.raises(EndpointNotReady, match=f"made again on {champion}, the champion's"):
        run.to_plan(approved(scene))
    with pytest.raises(EndpointNotReady, match="is Creating"):
        run.plan()
    scene.endpoints.settle(ENDPOINT)
    plan = run.plan()
    assert (plan["action"], plan["previous_config"], plan["conducted"]) == ("update", champion, False)
    assert [step["percent"] for step in plan["steps"]] == [20, 100]
    (woken,) = scene.ledger.entries("endpoint.woken")
    assert (woken.subject, woken.data["config"]) == ("second", champion)


def test_a_champion_that_cannot_be_made_again_is_named_with_the_command_that_can(scene: Scene) -> None:
    champion = serve_first_version(scene).state["plan"]["config"]
    scene.endpoints.delete(ENDPOINT)
    scene.endpoints.delete_config(champion)
    with pytest.raises(PlanError, match=f"the endpoint config {champion} is gone: .*trimtab rollback tiny --to 1"):
        PromotionRun(scene, "second").to_plan(approved(scene))
    assert ENDPOINT not in scene.endpoints.endpoints
    assert scene.ledger.entries("endpoint.woken") == []


def test_a_champion_whose_approval_was_withdrawn_is_not_brought_back(scene: Scene) -> None:
    serve_first_version(scene)
    scene.endpoints.delete(ENDPOINT)
    scene.registry.reject(scene.ledger.state("champion")["package_arn"], "it leaks")  # type: ignore[index]
    run = PromotionRun(scene, "second")
    assert run.to_plan(approved(scene))["action"] == "create"


def test_a_plan_counts_from_the_end_of_what_it_waited_for(scene: Scene) -> None:
    serve_first_version(scene)
    later = scene.now + timedelta(minutes=7)
    scene.endpoints.endpoints[ENDPOINT] = replace(scene.endpoints.endpoints[ENDPOINT], modified=later)
    run = PromotionRun(scene, "second")
    plan = Plan.model_validate(run.to_plan(approved(scene)))
    assert plan.started == later
    assert plan.deadline - later == timedelta(seconds=longest_s(scene.spec.rollout))
