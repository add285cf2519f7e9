"""However a rollback ended, the lease is free, and a failure is told with the command that helps."""

from tests.unit.functions.rollback_run import RollbackRun, serve_two_versions
from tests.unit.functions.scene import Scene


def test_a_rollback_that_is_done_frees_the_lease_and_tells_nothing_more(scene: Scene) -> None:
    serve_two_versions(scene)
    back = RollbackRun(scene)
    back.begin()
    back.restored()
    told = len(scene.notifier.sent)
    assert back.close() == {"outcome": "Begun", "released": True, "next": None}
    assert scene.ledger.lease_holder("promotion") is None
    assert len(scene.notifier.sent) == told
    assert scene.ledger.entries("rollback.failed") == []


def test_a_failure_is_recorded_and_told_once_with_what_to_do_by_hand(scene: Scene) -> None:
    serve_two_versions(scene)
    back = RollbackRun(scene)
    back.begin()
    config = back.state["rollback"]["config"]
    for _ in range(2):
        back.close("no capacity")
    assert scene.ledger.lease_holder("promotion") is None
    (entry,) = scene.ledger.entries("rollback.failed")
    assert entry.data["reason"] == "no capacity"
    (told,) = [notice for notice in scene.notifier.sent if "failed" in notice["subject"]]
    assert (
        f"aws sagemaker update-endpoint --endpoint-name trimtab-test-tiny --endpoint-config-name {config}"
        in (told["next_step"])
    )


def test_a_refused_rollback_leaves_the_lease_to_its_holder(scene: Scene) -> None:
    serve_two_versions(scene)
    scene.ledger.lease("promotion", "somebody", scene.now, 3600)
    back = RollbackRun(scene)
    back.begin(to=9)
    assert back.close()["released"] is False
    held = scene.ledger.lease_holder("promotion")
    assert held is not None
    assert held.holder == "somebody"
