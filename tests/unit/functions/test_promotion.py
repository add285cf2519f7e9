"""A promotion as a whole."""

from tests.unit.functions.scene import (
    ENDPOINT,
    Scene,
    kinds,
    moving,
)


def test_every_step_may_be_repeated_without_doing_anything_twice(scene: Scene) -> None:
    run = moving(scene)
    arn = run.state["promotion"]["package_arn"]
    assert run.check(arn) == run.check(arn)
    assert run.stage() == run.stage()
    assert run.plan() == run.plan()
    scene.endpoints.settle(ENDPOINT)
    assert {**run.watch(), "verdict": None} == {**run.watch(), "verdict": None}  # it counts its looks
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
