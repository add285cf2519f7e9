"""However a promotion ended, only what serves is left and the next approval gets its turn."""

import pytest

from tests.unit.functions.rollback_run import promote
from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    answer_with_x,
    approved,
    function,
    moving,
    serve_first_version,
)
from trimtab.errors import KeyUnusable
from trimtab.ports import EndpointState


def test_a_promotion_leaves_nothing_behind_but_what_serves(scene: Scene) -> None:
    run = serve_first_version(scene)
    assert set(scene.endpoints.endpoints) == {ENDPOINT}
    assert set(scene.endpoints.configs) == {run.state["plan"]["config"]}
    assert set(scene.endpoints.models) == {run.state["plan"]["config"]}
    assert scene.ledger.lease_holder("promotion") is None


def test_the_newest_of_several_waiting_approvals_comes_first(scene: Scene) -> None:
    run = moving(scene)
    arns = [approved(scene, f"run-{number}") for number in (3, 4)]
    for arn in reversed(arns):
        PromotionRun(scene, arn).check(arn)
    scene.endpoints.settle(ENDPOINT)
    assert run.close("Failed")["next"]["package_arn"] == arns[1]


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


def test_a_retry_gives_the_same_answer_but_releases_and_tells_nothing_again(scene: Scene) -> None:
    run = PromotionRun(scene, "second")
    run.check(approved(scene))
    first = run.close("Failed", "States.Timeout")
    again = run.close("Failed", "States.Timeout")
    assert (first["released"], again["released"]) == (True, False)
    assert [notice["why"] for notice in scene.notifier.sent] == ["States.Timeout"]
    closed = scene.ledger.entries("promotion.closed")
    assert [entry.data["summary"] for entry in closed] == ["promotion of version 1 ended: Failed"]


def test_closing_a_busy_approval_leaves_the_lease_to_its_holder(scene: Scene) -> None:
    PromotionRun(scene, "holder").check(approved(scene))
    waiting = PromotionRun(scene, "waiting")
    waiting.check(approved(scene, "run-3"))
    assert waiting.close("Busy")["released"] is False
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    assert held.holder == "holder"


def test_an_execution_that_broke_off_is_cleaned_up_after_from_what_the_ledger_says(scene: Scene) -> None:
    run = moving(scene)
    promotion = run.state.pop("promotion")
    ports = (scene.endpoints, scene.alarms, scene.registry)
    ended = run.call("close_promotion", "close", ports, broken="TIMED_OUT")
    assert (ended["outcome"], ended["released"]) == ("Failed", True)
    assert scene.alarms.state[f"{run.state['plan']['config']}-stop"] == "ALARM"
    (closed,) = [entry for entry in scene.ledger.entries("promotion.closed") if entry.subject == promotion["id"]]
    assert (closed.data["version"], closed.data["reason"]) == (2, "its execution ran out of time")


def test_configs_and_models_of_versions_that_served_long_ago_go_and_those_that_a_rollback_needs_stay(
    scene: Scene,
) -> None:
    runs = [serve_first_version(scene)]
    for number in (2, 3, 4):
        scene.endpoints.answer = answer_with_x(number)
        runs.append(promote(scene, f"run-{number}", f"execution-{number}"))
    configs = [run.state["plan"]["config"] for run in runs]
    assert set(scene.endpoints.configs) == set(configs), "the grace time is not over"
    scene.later(days=8)
    refused = PromotionRun(scene, "refused")
    refused.check(approved(scene, "run-5"))
    refused.close("Refused")
    assert set(scene.endpoints.configs) == set(scene.endpoints.models) == set(configs[1:])
    assert scene.ledger.entries("promotion.closed")[-1].data["cleaned"] == [configs[0]]


def test_a_model_that_the_live_config_serves_under_another_name_stays(scene: Scene) -> None:
    run = moving(scene)
    served = run.state["plan"]["config"]
    scene.endpoints.configs["by-hand"] = {"ProductionVariants": [{"ModelName": served}]}
    scene.endpoints.endpoints[ENDPOINT] = EndpointState(ENDPOINT, "InService", "by-hand")
    run.close("RolledBack")
    assert served in scene.endpoints.models
    assert served not in scene.endpoints.configs


def test_what_production_uses_by_hand_stays_however_long_ago_it_was_promoted(scene: Scene) -> None:
    runs = [serve_first_version(scene)]
    for number in (2, 3, 4):
        scene.endpoints.answer = answer_with_x(number)
        runs.append(promote(scene, f"run-{number}", f"execution-{number}"))
    first = runs[0].state["plan"]["config"]
    scene.endpoints.configs["by-hand"] = {"ProductionVariants": [{"ModelName": first}]}
    scene.endpoints.endpoints[ENDPOINT] = EndpointState(ENDPOINT, "InService", "by-hand")
    scene.later(days=8)
    refused = PromotionRun(scene, "refused")
    refused.check(approved(scene, "run-5"))
    refused.close("Refused")
    assert first in scene.endpoints.models
    assert scene.ledger.entries("promotion.closed")[-1].data["cleaned"] == []


def test_a_closed_key_costs_the_page_and_not_the_end_of_the_promotion(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = moving(scene)

    def refuse(uri: str, *_more: object) -> None:
        raise KeyUnusable(f"{uri}: arn:key is disabled. (aws kms enable-key)")

    monkeypatch.setattr(scene.objects, "write", refuse)
    module = function("close_promotion")
    event = module.ClosePromotionEvent.model_validate(scene.event("second", promotion=run.state["promotion"]))
    assert module.published(event, scene.runtime, scene.measurements) is None
    assert "is disabled" in scene.notifier.sent[-1]["why"]
