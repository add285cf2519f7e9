"""A promotion from the approval to what is served, with everything that may go otherwise on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.functions.scene import (
    ENDPOINT,
    STAGING,
    PromotionRun,
    Scene,
    answer_with_x,
    serve_first_version,
)
from trimtab.errors import EndpointFailed, EndpointNotReady, LeaseLost, RolloutInProgress
from trimtab.ports import Answer, EndpointState
from trimtab.rollout.rollback_alarms import fleet_dimensions


@pytest.fixture
def scene() -> Scene:
    return Scene()


def approved(scene: Scene, run: str = "run-2") -> str:
    package = scene.register(run)
    scene.registry.approve(package.arn)
    return package.arn


def kinds(scene: Scene) -> list[str]:
    return [entry.kind for entry in scene.ledger.entries()]


def moving(scene: Scene, execution: str = "second") -> PromotionRun:
    """Version 1 serves, and traffic is moving to version 2."""
    serve_first_version(scene)
    run = PromotionRun(scene, execution)
    run.to_plan(approved(scene))
    run.start()
    return run


def measure_errors(scene: Scene, plan: dict[str, Any], requests: int, errors: int, old: int = 1000) -> None:
    minute = scene.now + timedelta(minutes=1)
    for config, counts in ((plan["config"], (requests, errors)), (plan["previous_config"], (old, 0))):
        fleet = fleet_dimensions(ENDPOINT, config)
        scene.alarms.measure("Invocations", fleet, minute, counts[0])
        scene.alarms.measure("Invocation5XXErrors", fleet, minute, counts[1])


def test_the_first_version_creates_the_endpoint_and_is_recorded_with_proof(scene: Scene) -> None:
    run = serve_first_version(scene)
    assert run.state["plan"]["action"] == "create"
    assert run.state["confirmation"]["outcome"] == "Serving"
    champion = scene.ledger.state("champion")
    assert champion is not None
    assert (champion["version"], champion["config"]) == (1, run.state["plan"]["config"])
    serving = scene.ledger.entries("rollout.serving")[0]
    assert serving.data["evidence"]["status"] == 200
    assert '"version": 1' in serving.data["evidence"]["answer"]
    baseline = scene.ledger.state("baseline")
    assert baseline is not None
    assert baseline["metrics"] == {"auc": 0.8}
    assert baseline["baseline_uri"] == "s3://artifacts/tiny/datasets/dataset-of-run-1/baseline.json"


def test_a_promotion_leaves_nothing_behind_but_what_serves(scene: Scene) -> None:
    run = serve_first_version(scene)
    assert set(scene.endpoints.endpoints) == {ENDPOINT}
    assert set(scene.endpoints.configs) == {run.state["plan"]["config"]}
    assert set(scene.endpoints.models) == {run.state["plan"]["config"]}
    assert scene.ledger.lease_holder("promotion") is None


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


def test_production_serves_the_very_model_that_staging_tested(scene: Scene) -> None:
    run = moving(scene)
    config = scene.endpoints.configs[run.state["plan"]["config"]]
    assert config["ProductionVariants"][0]["ModelName"] == run.state["staging"]["sagemaker_model"]
    assert scene.endpoints.models[run.state["staging"]["sagemaker_model"]]["environment"]["TRIMTAB_VERSION"] == "2"


def test_watching_waits_until_traffic_has_moved(scene: Scene) -> None:
    run = moving(scene)
    with pytest.raises(RolloutInProgress):
        run.watch()
    scene.endpoints.settle(ENDPOINT)
    assert run.watch()["live_config"] == run.state["plan"]["config"]


def test_a_silent_rollback_is_told_by_the_config_that_serves(scene: Scene) -> None:
    run = moving(scene)
    plan = run.state["plan"]
    scene.alarms.ring(plan["alarms"][0], "5xx")
    scene.endpoints.roll_back(ENDPOINT)
    run.watch()
    confirmation = run.confirm()
    assert scene.endpoints.endpoints[ENDPOINT].status == "InService"
    assert confirmation["outcome"] == "RolledBack"
    assert confirmation["version"] == 1
    assert f"alarm {plan['alarms'][0]} rings" in confirmation["reason"]
    assert scene.registry.describe(run.state["promotion"]["package_arn"]).status == "Rejected"
    assert scene.ledger.state("champion")["version"] == 1  # type: ignore[index]
    run.close("RolledBack")
    assert set(scene.endpoints.configs) == {plan["previous_config"]}
    assert scene.alarms.requests == {}
    assert scene.notifier.sent[-1]["subject"] == "version 2 was rolled back"


@pytest.mark.parametrize("moment", ["moving", "moved"])
def test_a_withdrawn_approval_ends_on_the_old_version(scene: Scene, moment: str) -> None:
    run = moving(scene)
    plan = run.state["plan"]
    if moment == "moved":
        scene.endpoints.settle(ENDPOINT)
    scene.registry.reject(run.state["promotion"]["package_arn"], "changed my mind")
    with pytest.raises(RolloutInProgress, match="no longer approved"):
        run.watch()
    if moment == "moving":
        assert scene.alarms.states(plan["alarms"])[f"{plan['config']}-stop"] == "ALARM"
        scene.endpoints.roll_back(ENDPOINT)
    else:
        scene.endpoints.settle(ENDPOINT)
    assert run.watch()["live_config"] == plan["previous_config"]
    confirmation = run.confirm()
    assert confirmation["outcome"] == "RolledBack"
    assert "no longer approved: the package is Rejected" in confirmation["reason"]


def test_a_first_version_whose_approval_is_withdrawn_serves_nobody(scene: Scene) -> None:
    run = PromotionRun(scene, "first")
    arn = approved(scene, "run-1")
    scene.endpoints.answer = answer_with_x(1)
    run.to_plan(arn)
    run.start()
    scene.registry.reject(arn, "no")
    scene.endpoints.settle(ENDPOINT)
    with pytest.raises(RolloutInProgress):
        run.watch()
    assert run.watch()["live_config"] is None
    assert run.confirm()["outcome"] == "RolledBack"


def test_a_rejection_before_the_check_refuses_and_changes_nothing(scene: Scene) -> None:
    arn = approved(scene)
    scene.registry.reject(arn, "no")
    promotion = PromotionRun(scene, "late").check(arn)
    assert promotion["outcome"] == "Refused"
    assert promotion["reason"] == "the package is Rejected, not Approved"
    assert scene.endpoints.models == {}


def test_a_new_fleet_that_errs_is_stopped_by_the_judge_while_traffic_moves(scene: Scene) -> None:
    run = moving(scene)
    plan = run.state["plan"]
    measure_errors(scene, plan, requests=40, errors=20)
    with pytest.raises(RolloutInProgress, match="the new fleet is worse: new fleet 20 of 40"):
        run.watch()
    assert scene.alarms.states(plan["alarms"])[f"{plan['config']}-stop"] == "ALARM"


def test_a_new_fleet_as_good_as_the_old_one_passes_and_the_figures_are_kept(scene: Scene) -> None:
    run = moving(scene)
    measure_errors(scene, run.state["plan"], requests=500, errors=1)
    scene.endpoints.settle(ENDPOINT)
    verdict = run.watch()["verdict"]
    assert verdict["outcome"] == "pass"
    assert verdict["new"] == {"requests": 500, "errors": 1}
    run.confirm()
    assert scene.ledger.entries("rollout.serving")[-1].data["evidence"]["verdict"]["old"]["requests"] == 1000


def test_an_endpoint_deleted_by_hand_is_no_version_served(scene: Scene) -> None:
    run = moving(scene)
    del scene.endpoints.endpoints[ENDPOINT]
    assert run.watch()["status"] == "Deleted"
    assert run.confirm()["outcome"] == "RolledBack"


def test_every_step_may_be_repeated_without_doing_anything_twice(scene: Scene) -> None:
    run = moving(scene)
    arn = run.state["promotion"]["package_arn"]
    assert run.check(arn) == run.check(arn)
    assert run.stage() == run.stage()
    assert run.plan() == run.plan()
    scene.endpoints.settle(ENDPOINT)
    assert run.watch() == run.watch()
    first = run.confirm()
    scene.endpoints.roll_back(ENDPOINT)
    assert run.confirm() == first
    assert run.publish() == run.publish()
    run.close("Serving")
    assert run.close("Serving")["released"] is False
    written = kinds(scene)
    for kind in ("approval.checked", "rollout.planned", "rollout.serving", "baseline.published", "promotion.closed"):
        assert written.count(kind) == 2, kind  # once for each version
    subjects = [notice["subject"] for notice in scene.notifier.sent]
    assert subjects == ["version 1 serves", "version 2 serves"]


def test_a_changed_artifact_is_refused_and_rejected(scene: Scene) -> None:
    arn = approved(scene)
    scene.objects.write(scene.registry.describe(arn).artifact_uri, b"other bytes")
    run = PromotionRun(scene, "forged")
    assert run.check(arn)["reason"] == "its artifact was changed after it was registered"
    run.close("Refused", "its artifact was changed after it was registered")
    assert scene.registry.describe(arn).status == "Rejected"
    assert scene.notifier.sent[-1]["why"] == "its artifact was changed after it was registered"


def test_a_changed_manifest_is_refused(scene: Scene) -> None:
    arn = approved(scene)
    package = scene.registry.describe(arn)
    scene.registry.put(replace(package, properties={**package.properties, "dataset": "other"}))
    assert "signature" in PromotionRun(scene, "forged").check(arn)["reason"]


def test_an_expired_approval_is_refused(scene: Scene) -> None:
    arn = approved(scene)
    scene.later(days=31)
    assert "approval.expiry_days" in PromotionRun(scene, "late").check(arn)["reason"]


def test_the_same_approval_delivered_again_never_takes_the_serving_version_down(scene: Scene) -> None:
    first = serve_first_version(scene)
    arn = first.state["promotion"]["package_arn"]
    again = PromotionRun(scene, "again")
    assert again.check(arn)["outcome"] == "Refused"
    again.close("Refused")
    assert scene.registry.describe(arn).status == "Approved"
    assert scene.endpoints.endpoints[ENDPOINT].config == first.state["plan"]["config"]


def test_a_second_approval_waits_and_gets_its_turn_when_the_first_has_ended(scene: Scene) -> None:
    run = moving(scene)
    third = approved(scene, "run-3")
    waiting = PromotionRun(scene, "third")
    found = waiting.check(third)
    assert found["outcome"] == "Busy"
    assert found["reason"] == "second is promoting; this approval waits for its turn"
    assert waiting.close("Busy") == {"outcome": "Busy", "released": False, "next": None}
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    run.confirm()
    closed = run.close("Serving")
    assert closed["next"] == {"model": "tiny", "package_arn": third, "at": scene.now.isoformat()}
    resumed = PromotionRun(scene, "resumed")
    assert resumed.check(third)["outcome"] == "Approved"
    assert resumed.close("Failed")["next"] is None


def test_the_newest_of_several_waiting_approvals_comes_first(scene: Scene) -> None:
    run = moving(scene)
    arns = [approved(scene, f"run-{number}") for number in (3, 4)]
    for arn in reversed(arns):
        PromotionRun(scene, arn).check(arn)
    scene.endpoints.settle(ENDPOINT)
    assert run.close("Failed")["next"]["package_arn"] == arns[1]


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


def test_staging_is_awaited_and_a_leftover_of_an_earlier_promotion_is_removed_first(scene: Scene) -> None:
    scene.endpoints.endpoints[STAGING] = EndpointState(STAGING, "InService", "trimtab-test-tiny-v0-old")
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    with pytest.raises(EndpointNotReady, match="earlier promotion"):
        run.stage()
    with pytest.raises(EndpointNotReady, match="being created"):
        run.stage()
    with pytest.raises(EndpointNotReady, match="is Creating"):
        run.stage()
    scene.endpoints.settle(STAGING)
    assert run.stage()["endpoint"] == STAGING


def test_a_staging_endpoint_that_cannot_start_ends_the_promotion_with_sagemakers_reason(scene: Scene) -> None:
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    with pytest.raises(EndpointNotReady):
        run.stage()
    live = scene.endpoints.endpoints[STAGING]
    scene.endpoints.endpoints[STAGING] = replace(live, status="Failed", failure="did not pass the ping health check")
    with pytest.raises(EndpointFailed, match="ping health check"):
        run.stage()
    run.close("Failed", '{"Error": "EndpointFailed", "Cause": "{\\"errorMessage\\": \\"ping health check\\"}"}')
    assert scene.endpoints.endpoints == {}
    assert scene.notifier.sent[-1]["why"] == "EndpointFailed: ping health check"


def test_a_version_that_fails_in_staging_is_refused_and_rejected(scene: Scene) -> None:
    arn = approved(scene)
    run = PromotionRun(scene, "second")
    run.check(arn)
    run.raise_until_ready()
    scene.endpoints.answer = lambda endpoint, body: Answer(500, b"broken", 1.0)
    tested = run.test()
    assert tested["passed"] is False
    assert b'"name": "golden"' in scene.objects.read(tested["report_uri"])
    run.close("Refused", tested["reason"])
    assert scene.registry.describe(arn).status == "Rejected"
    assert scene.endpoints.endpoints == {}


def test_a_promotion_that_fails_while_traffic_moves_asks_for_a_rollback(scene: Scene) -> None:
    run = moving(scene)
    run.close("Failed", "States.Timeout")
    assert scene.alarms.state[f"{run.state['plan']['config']}-stop"] == "ALARM"
    assert run.state["plan"]["config"] in scene.endpoints.configs


def test_closing_before_the_approval_was_checked_frees_the_lease(scene: Scene) -> None:
    scene.ledger.lease("promotion", "crashed", scene.now, 3600)
    run = PromotionRun(scene, "crashed")
    assert run.close("Failed")["released"] is True
    assert scene.ledger.lease_holder("promotion") is None


def test_closing_keeps_the_alarms_of_a_model_whose_name_begins_alike(scene: Scene) -> None:
    run = serve_first_version(scene)
    scene.alarms.put({"AlarmName": "trimtab-test-tiny-v2-v1-0123abcd-errors"})
    scene.alarms.put({"AlarmName": "trimtab-test-tiny-v9-0123abcd-errors"})
    second = PromotionRun(scene, "second")
    second.check(approved(scene))
    second.close("Failed")
    assert list(scene.alarms.requests) == ["trimtab-test-tiny-v2-v1-0123abcd-errors"]
    assert run.state["plan"]["config"] in scene.endpoints.configs


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
