"""A rollout is watched until it has settled, and taken back when there is a reason."""

import pytest

from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    answer_with_x,
    approved,
    kinds,
    measure_errors,
    moving,
    serve_first_version,
)
from trimtab.errors import RolloutInProgress


def test_watching_waits_until_traffic_has_moved(scene: Scene) -> None:
    run = moving(scene)
    with pytest.raises(RolloutInProgress):
        run.watch()
    scene.endpoints.settle(ENDPOINT)
    assert run.watch()["live_config"] == run.state["plan"]["config"]


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


def test_a_retry_sees_the_same_and_watching_writes_nothing(scene: Scene) -> None:
    run = moving(scene)
    scene.endpoints.settle(ENDPOINT)
    before = kinds(scene)
    assert run.watch() == run.watch()
    assert kinds(scene) == before


LOST = {"Error": "States.Timeout", "Cause": "no answer within 120 s"}


def test_a_rollout_whose_start_was_not_answered_is_told_by_what_serves(scene: Scene) -> None:
    run = moving(scene)
    run.state["started"] = LOST
    with pytest.raises(RolloutInProgress):
        run.watch()
    scene.endpoints.settle(ENDPOINT)
    assert run.watch()["began"] is True
    assert run.confirm()["outcome"] == "Serving"


def test_a_rollback_after_a_start_that_was_not_answered_is_a_rollback(scene: Scene) -> None:
    run = moving(scene)
    run.state["started"] = LOST
    scene.alarms.ring(run.state["plan"]["alarms"][0], "5xx")
    scene.endpoints.roll_back(ENDPOINT)
    assert run.watch()["began"] is True
    assert run.confirm()["outcome"] == "RolledBack"


@pytest.mark.parametrize("first", [True, False])
def test_a_start_that_failed_and_moved_nothing_did_not_begin(scene: Scene, first: bool) -> None:
    if not first:
        serve_first_version(scene)
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    run.state["started"] = {"Error": "SageMaker.SageMakerException", "Cause": "not authorized"}
    rollout = run.watch()
    assert rollout["began"] is False
    assert rollout["reason"] == "the rollout did not begin: SageMaker.SageMakerException: not authorized"
    run.close("Failed", rollout["reason"])
    assert scene.registry.describe(run.state["promotion"]["package_arn"]).status == "Approved"


def test_a_start_that_was_answered_has_begun_even_when_sagemaker_went_back(scene: Scene) -> None:
    run = moving(scene)
    run.state["started"] = {"endpoint_arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"}
    scene.endpoints.roll_back(ENDPOINT, "the new fleet did not pass its health check")
    assert run.watch()["began"] is True
