"""A plan names the config, the alarms and the request, and is made by whoever holds the lease."""

from dataclasses import replace

import pytest

from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    approved,
    moving,
    serve_first_version,
)
from trimtab.errors import EndpointFailed, EndpointNotReady, LeaseLost


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
    models = [config["ProductionVariants"][0]["ModelName"], run.state["staging"]["sagemaker_model"]]
    production, staging = (scene.endpoints.models[name] for name in models)
    assert staging["environment"]["TRIMTAB_VERSION"] == "2"
    differing = {key for key in staging if staging[key] != production[key]}
    assert differing == {"role_arn", "isolated"}, "a serverless container cannot be isolated, so it may read less"


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
