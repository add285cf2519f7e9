"""What a rollback goes back to, and how it gets production into its hands."""

from datetime import timedelta

import pytest

from tests.unit.functions.rollback_run import RollbackRun, promote, serve_two_versions
from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, approved, serve_first_version
from trimtab.errors import LeaseLost, RolloutInProgress
from trimtab.rollout.queue import ensure_lease


def moving_to_three(scene: Scene) -> PromotionRun:
    """Version 2 serves, and traffic is moving to version 3."""
    serve_two_versions(scene)
    run = PromotionRun(scene, "third")
    run.to_plan(approved(scene, "run-3"))
    run.start()
    return run


def test_without_a_version_it_goes_back_to_the_one_that_served_before(scene: Scene) -> None:
    first, second = serve_two_versions(scene)
    found = RollbackRun(scene).begin()
    assert (found["outcome"], found["from_version"], found["to_version"]) == ("Begun", 2, 1)
    assert found["config"] == first.state["plan"]["config"]
    assert found["promotion"]["id"] == "first"
    assert found["from_package"] == second.state["promotion"]["package_arn"]
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    assert (held.holder, held.fence) == ("back", found["fence"])


def test_it_is_audited_with_who_asked_and_why(scene: Scene) -> None:
    serve_two_versions(scene)
    RollbackRun(scene).begin(reason="prices are wrong")
    (entry,) = scene.ledger.entries("rollback.requested")
    assert entry.subject == "back"
    assert (entry.data["by"], entry.data["asked_because"]) == ("arn:aws:iam::1:user/eva", "prices are wrong")
    assert "to version 1 asked for by arn:aws:iam::1:user/eva: prices are wrong" in entry.data["summary"]


@pytest.mark.parametrize(
    ("to", "reason", "complaint"),
    [
        (0, "  ", "needs a reason"),
        (7, "why", "version 7 never served; versions that did: 1, 2"),
        (2, "why", "version 2 serves already"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_helps_and_takes_no_lease(
    scene: Scene, to: int, reason: str, complaint: str
) -> None:
    serve_two_versions(scene)
    found = RollbackRun(scene).begin(to, reason)
    assert found["outcome"] == "Refused"
    assert complaint in found["reason"]
    assert scene.ledger.lease_holder("promotion") is None


def test_the_first_version_has_nothing_to_go_back_to(scene: Scene) -> None:
    serve_first_version(scene)
    assert "no version served before this one" in RollbackRun(scene).begin()["reason"]


def test_a_version_that_is_not_approved_any_more_is_not_served_again(scene: Scene) -> None:
    first, _ = serve_two_versions(scene)
    scene.registry.reject(first.state["promotion"]["package_arn"], "leaks")
    found = RollbackRun(scene).begin()
    assert found["outcome"] == "Refused"
    assert "trimtab approve tiny 1" in found["reason"]


def test_a_version_that_was_rolled_back_is_not_the_next_rollbacks_target(scene: Scene) -> None:
    serve_two_versions(scene)
    back = RollbackRun(scene)
    back.begin()
    back.restored()
    back.close()
    promote(scene, "run-3", "third")
    assert RollbackRun(scene, "again").begin()["to_version"] == 1


def test_a_version_whose_parts_were_deleted_while_it_serves_can_be_restored_in_place(scene: Scene) -> None:
    _, second = serve_two_versions(scene)
    config = second.state["plan"]["config"]
    scene.endpoints.delete_model(config)
    back = RollbackRun(scene)
    assert (back.begin(to=2)["outcome"], back.state["rollback"]["from_version"]) == ("Begun", 0)
    assert back.restored()["made_again"] == ["model"]
    assert config in scene.endpoints.models
    assert scene.registry.describe(second.state["promotion"]["package_arn"]).status == "Approved"


def test_a_rollout_under_way_is_stopped_fenced_out_and_waited_for(scene: Scene) -> None:
    third = moving_to_three(scene)
    back = RollbackRun(scene)
    with pytest.raises(RolloutInProgress, match="the promotion of version 3 is being stopped"):
        back.begin(1)
    assert scene.registry.describe(third.state["promotion"]["package_arn"]).status == "Rejected"
    assert scene.alarms.state[f"{third.state['plan']['config']}-stop"] == "ALARM"
    promotion = third.state["promotion"]
    with pytest.raises(LeaseLost):
        ensure_lease(scene.ledger, type("P", (), {"id": promotion["id"], "fence": promotion["fence"]}))  # type: ignore[arg-type]
    scene.endpoints.roll_back(ENDPOINT)
    third.watch()
    assert third.confirm()["outcome"] == "RolledBack"
    assert third.close("RolledBack")["next"] is None
    assert "trimtab-test-tiny-staging" not in scene.endpoints.endpoints
    found = back.begin(1)
    assert (found["outcome"], found["from_version"], found["to_version"]) == ("Begun", 2, 1)


def test_while_another_version_is_on_its_way_the_one_that_serves_is_the_last_good_one(scene: Scene) -> None:
    moving_to_three(scene)
    found = RollbackRun(scene).begin(patience="over")
    assert (found["from_version"], found["to_version"]) == (0, 2)


def test_a_promotion_that_never_ends_is_not_waited_for_for_ever(scene: Scene) -> None:
    moving_to_three(scene)
    assert RollbackRun(scene).begin(1, patience="over")["outcome"] == "Begun"


def test_a_retry_goes_back_to_the_same_version_under_the_same_fence(scene: Scene) -> None:
    serve_two_versions(scene)
    back = RollbackRun(scene)
    assert back.begin() == back.begin(to=2, reason="another")
    assert len(scene.ledger.entries("rollback.requested")) == 1


def test_a_second_rollback_is_refused_while_one_is_under_way(scene: Scene) -> None:
    serve_two_versions(scene)
    RollbackRun(scene).begin()
    assert "a rollback to version 1 is under way (back)" in RollbackRun(scene, "other").begin()["reason"]
    scene.now += timedelta(hours=3)
    assert RollbackRun(scene, "third").begin()["outcome"] == "Begun"


def test_a_new_approval_waits_while_a_rollback_is_under_way(scene: Scene) -> None:
    serve_two_versions(scene)
    back = RollbackRun(scene)
    back.begin()
    arn = approved(scene, "run-3")
    assert PromotionRun(scene, "third").check(arn)["outcome"] == "Busy"
    back.restored()
    assert back.close()["next"]["package_arn"] == arn
