"""Traffic that is moved by weights or after a shadow, as the machine sees it."""

import json
from typing import Any

import pytest

from tests.unit.functions.scene import (
    ENDPOINT,
    PromotionRun,
    Scene,
    approved,
    measure,
    serve_first_version,
    with_rollout,
)
from trimtab.errors import LeaseLost
from trimtab.ports import Answer
from trimtab.rollout.rollback_alarms import fleet_dimensions


def planned(scene: Scene, **rollout: Any) -> PromotionRun:
    """Version 1 serves, and version 2 is about to get its first share."""
    serve_first_version(scene)
    scene.spec = with_rollout(scene.spec, **({"strategy": "stepped", "steps": [20, 100]} | rollout))
    run = PromotionRun(scene, "second")
    run.to_plan(approved(scene))
    return run


def pass_time(scene: Scene, run: PromotionRun, minutes: int = 4, errors: int = 0) -> None:
    """SageMaker has done what it was asked, and both versions have answered for some minutes."""
    live = scene.endpoints.endpoints[ENDPOINT]
    if live.status == "Updating":
        scene.endpoints.settle(ENDPOINT)
    config = run.state["plan"]["step_config"]
    for _ in range(minutes):
        minute = scene.later(minutes=1)
        measure(scene, fleet_dimensions(ENDPOINT, config, "challenger"), minute, 100, errors)
        measure(scene, fleet_dimensions(ENDPOINT, config, "main"), minute, 400, 0)


def to_the_end(scene: Scene, run: PromotionRun, looks: int = 40) -> dict[str, Any]:
    """The first answer that is no "look"."""
    for _ in range(looks):
        told = run.shift()
        if told["next"] != "look":
            return told
        pass_time(scene, run)
    raise AssertionError(told)


def to_the_first_step(scene: Scene, run: PromotionRun) -> None:
    for _ in range(5):
        run.shift()
        pass_time(scene, run)
    assert scene.ledger.entries("rollout.shifted", "second")


def test_steps_end_on_a_config_of_its_own_and_serve(scene: Scene) -> None:
    run = planned(scene)
    assert to_the_end(scene, run)["next"] == "settled"
    assert run.state["rollout"]["live_config"] == run.state["plan"]["config"]
    assert run.state["rollout"]["verdict"]["outcome"] == "pass"
    judged = scene.ledger.entries("rollout.judged", "second")
    assert {entry.data["step"] for entry in judged} >= {1, 2}
    assert run.confirm()["outcome"] == "Serving"


def test_a_version_that_is_worse_loses_its_share_and_the_old_config_comes_back(scene: Scene) -> None:
    run = planned(scene)
    to_the_first_step(scene, run)
    pass_time(scene, run, errors=60)
    run.shift()
    assert scene.endpoints.endpoints[ENDPOINT].weights == {"main": 100.0, "challenger": 0.0}
    assert to_the_end(scene, run)["next"] == "settled"
    assert "the new fleet is worse" in run.state["rollout"]["causes"][0]
    assert run.confirm()["outcome"] == "RolledBack"


def test_a_withdrawn_approval_ends_on_the_old_config(scene: Scene) -> None:
    run = planned(scene)
    to_the_first_step(scene, run)
    scene.registry.reject(run.state["promotion"]["package_arn"], "changed my mind")
    to_the_end(scene, run)
    assert run.state["rollout"]["live_config"] == run.state["plan"]["previous_config"]
    assert "no longer approved" in run.state["rollout"]["causes"][0]


def test_an_alarm_that_is_gone_ends_on_the_old_config(scene: Scene) -> None:
    run = planned(scene)
    to_the_first_step(scene, run)
    scene.alarms.delete(run.state["plan"]["alarms"])
    to_the_end(scene, run)
    assert run.state["rollout"]["causes"][0].startswith(f"alarm {run.state['plan']['config']}-errors is gone")


def test_an_error_of_the_machine_ends_on_the_old_config(scene: Scene) -> None:
    run = planned(scene)
    to_the_first_step(scene, run)
    for _ in range(6):
        told = run.shift(abandon="States.Timeout")
        pass_time(scene, run)
    assert told["next"] == "settled"
    assert "the promotion failed: States.Timeout" in told["rollout"]["causes"][0]


def test_an_error_that_lasts_ends_on_the_old_config_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the artifacts is disabled, so no look can be written down, and no alarm can be read."""
    run = planned(scene)
    to_the_first_step(scene, run)

    def refuse(*_given: object) -> None:
        raise PermissionError("KMS.DisabledException")

    monkeypatch.setattr(scene.objects, "write", refuse)
    monkeypatch.setattr(scene.alarms, "states", refuse)
    with pytest.raises(PermissionError):
        run.shift()
    for _ in range(6):
        told = run.shift(abandon="KMS.DisabledException")
        pass_time(scene, run)
    assert told["rollout"]["live_config"] == run.state["plan"]["previous_config"]


def test_a_version_that_answers_other_scores_when_it_serves_alone_does_not_stay(scene: Scene) -> None:
    run = planned(scene)
    scene.endpoints.answer = lambda endpoint, body: Answer(200, b'{"id": 0, "score": 0.9}\n', 1.0)
    to_the_end(scene, run)
    assert run.state["rollout"]["live_config"] == run.state["plan"]["previous_config"]
    assert "check golden records said no" in run.state["rollout"]["causes"][0]


def test_an_endpoint_that_was_deleted_by_hand_is_told_as_gone(scene: Scene) -> None:
    run = planned(scene)
    to_the_first_step(scene, run)
    del scene.endpoints.endpoints[ENDPOINT]
    assert run.shift()["next"] == "settled"
    assert (run.state["rollout"]["status"], run.state["rollout"]["live_config"]) == ("Deleted", None)


def test_who_lost_the_lease_moves_nothing(scene: Scene) -> None:
    run = planned(scene)
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    scene.ledger.release("promotion", held.holder, held.fence)
    scene.ledger.lease("promotion", "somebody", scene.now, 60)
    with pytest.raises(LeaseLost):
        run.shift()
    assert scene.endpoints.endpoints[ENDPOINT].status == "InService"


def test_nobody_at_the_gate_before_the_start_has_begun_nothing(scene: Scene) -> None:
    run = planned(scene, strategy="canary", gate="manual", gate_hours=1, steps=[100])
    assert run.shift()["act"] == "hold"
    scene.later(hours=2)
    assert run.shift()["next"] == "settled"
    assert run.state["rollout"]["began"] is False
    assert "nobody released the rollout within 1 hours" in run.state["rollout"]["reason"]


def test_after_a_shadow_with_nothing_to_follow_production_is_as_it_was(scene: Scene) -> None:
    run = planned(scene, strategy="shadow", shadow={"minutes": 5, "then": "nothing"}, on_inconclusive="proceed")
    told = to_the_end(scene, run, looks=80)
    assert (told["next"], told["reason"]) == ("shadowed", "answers were compared for 5 minutes")
    folder = f"s3://artifacts/tiny/rollouts/{run.state['promotion']['tag']}"
    last, kept = (json.loads(scene.objects.read(f"{folder}/{name}")) for name in ("judgement.json", "shadow.json"))
    assert last == kept, "nothing looks at a shadow that is taken down"
    assert scene.endpoints.endpoints[ENDPOINT].config == run.state["plan"]["previous_config"]
    assert run.close("Shadowed", told["reason"])["released"] is True
    assert scene.ledger.entries("promotion.closed", "second")[0].data["outcome"] == "Shadowed"
    assert "rollout.shadow.then" in scene.notifier.sent[-1]["next_step"]
