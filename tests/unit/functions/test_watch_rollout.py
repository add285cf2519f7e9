"""A rollout is watched until it has settled, and taken back when there is a reason."""

import json
from dataclasses import replace

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
    with_rollout,
)
from trimtab.errors import RolloutInProgress
from trimtab.ports import Answer


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
    scene.asked = False
    run = moving(scene)
    plan = run.state["plan"]
    measure_errors(scene, plan, requests=40, errors=20, minutes=3)
    with pytest.raises(RolloutInProgress, match="the new fleet is worse"):
        run.watch()
    assert scene.alarms.states(plan["alarms"])[f"{plan['config']}-stop"] == "ALARM"
    (decided,) = scene.ledger.entries("rollout.going_back", "second")
    assert "the new fleet is worse" in decided.data["reasons"][0]


def test_a_new_fleet_as_good_as_the_old_one_passes_and_the_figures_are_kept(scene: Scene) -> None:
    scene.asked = False
    run = moving(scene)
    measure_errors(scene, run.state["plan"], requests=500, errors=1, minutes=5)
    scene.endpoints.settle(ENDPOINT)
    verdict = run.watch()["verdict"]
    assert verdict["outcome"] == "pass"
    errors = next(check for check in verdict["checks"] if check["rule"] == "errors")
    assert (errors["n_new"], errors["n_old"]) == (2500, 5000)
    run.confirm()
    assert scene.ledger.entries("rollout.serving")[-1].data["evidence"]["verdict"]["outcome"] == "pass"
    newest = json.loads(
        scene.objects.read(f"s3://artifacts/tiny/rollouts/{run.state['promotion']['tag']}/judgement.json")
    )
    assert newest["outcome"] == "pass"


def test_a_retry_sees_the_same_and_writes_down_a_shift_of_traffic_once(scene: Scene) -> None:
    run = moving(scene)
    measure_errors(scene, run.state["plan"], requests=500, errors=0, minutes=5)
    scene.endpoints.settle(ENDPOINT)
    first = run.watch()
    again = run.watch()
    assert {**again, "verdict": None} == {**first, "verdict": None}
    assert kinds(scene).count("rollout.shifted") == 1
    assert kinds(scene).count("rollout.checked") == 2  # once for each version


def test_nothing_stays_without_a_verdict(scene: Scene) -> None:
    scene.asked = False
    run = moving(scene)
    scene.endpoints.settle(ENDPOINT)
    scene.later(minutes=20)
    with pytest.raises(RolloutInProgress, match="nothing can be said of the new version"):
        run.watch()
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    assert run.confirm()["outcome"] == "RolledBack"


def test_a_bake_that_ends_without_a_verdict_is_stopped_a_minute_before(scene: Scene) -> None:
    scene.asked = False
    run = moving(scene)
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, pending_share=0.2, baking_since=scene.now)
    scene.later(minutes=8, seconds=59)
    with pytest.raises(RolloutInProgress, match="is Updating"):
        run.watch()
    scene.later(seconds=1)
    with pytest.raises(RolloutInProgress, match="no verdict at the end of the bake"):
        run.watch()
    (shift,) = scene.ledger.entries("rollout.shifted", "second")
    assert (shift.data["step"], shift.data["percent"], shift.data["observed"]) == (1, 20, 0.2)


def test_want_of_evidence_may_be_accepted_by_the_spec(scene: Scene) -> None:
    scene.asked = False
    serve_first_version(scene)
    scene.spec = with_rollout(scene.spec, on_inconclusive="proceed")
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    run.start()
    scene.endpoints.settle(ENDPOINT)
    assert run.watch()["live_config"] == run.state["plan"]["config"]


def test_an_alarm_that_vanishes_stops_the_rollout(scene: Scene) -> None:
    run = moving(scene)
    plan = run.state["plan"]
    scene.alarms.delete(plan["alarms"])
    with pytest.raises(RolloutInProgress, match=f"alarm {plan['config']}-errors is gone"):
        run.watch()
    assert scene.alarms.states([f"{plan['config']}-stop"]) == {f"{plan['config']}-stop": "ALARM"}


def test_a_version_that_answers_other_scores_in_production_does_not_stay(scene: Scene) -> None:
    run = moving(scene)
    measure_errors(scene, run.state["plan"], requests=500, errors=0, minutes=5)
    scene.endpoints.settle(ENDPOINT)
    scene.endpoints.answer = lambda endpoint, body: Answer(200, b'{"id": 0, "score": 0.9}\n', 1.0)
    with pytest.raises(RolloutInProgress, match="check golden records said no"):
        run.watch()
    assert scene.endpoints.endpoints[ENDPOINT].pending_config == run.state["plan"]["previous_config"]


def test_an_own_check_that_says_no_afterwards_takes_traffic_back(scene: Scene) -> None:
    serve_first_version(scene)
    scene.spec = with_rollout(scene.spec, checks={"after": ["orders-still-come"]})
    scene.functions.against = {"orders-still-come": "no order in 5 minutes"}
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    run.start()
    measure_errors(scene, run.state["plan"], requests=500, errors=0, minutes=5)
    scene.endpoints.settle(ENDPOINT)
    with pytest.raises(RolloutInProgress, match="check orders-still-come said no: no order in 5 minutes"):
        run.watch()
    assert scene.functions.asked == [("orders-still-come", "after")]


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
