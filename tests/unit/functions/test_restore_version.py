"""Production is brought to the earlier version, and registry, champion, baseline and people agree with it."""

import pytest

from tests.unit.functions.rollback_run import RollbackRun, serve_two_versions
from tests.unit.functions.scene import ENDPOINT, Scene, answer_with_x
from trimtab.errors import EndpointFailed, EndpointNotReady, LeaseLost, RolloutInProgress, SignatureMismatch
from trimtab.ports import EndpointState
from trimtab.telemetry import Metric


@pytest.fixture
def back(scene: Scene) -> RollbackRun:
    """Version 2 serves, and a rollback to version 1 has begun."""
    serve_two_versions(scene)
    scene.endpoints.answer = answer_with_x(1)
    made = RollbackRun(scene)
    made.begin(reason="prices are wrong")
    return made


def test_one_update_all_at_once_and_everything_agrees(scene: Scene, back: RollbackRun) -> None:
    with pytest.raises(RolloutInProgress):
        back.restore()
    config = back.state["rollback"]["config"]
    assert scene.endpoints.endpoints[ENDPOINT].pending_config == config
    scene.endpoints.settle(ENDPOINT)
    done = back.restore()
    champion, baseline = scene.ledger.state("champion"), scene.ledger.state("baseline")
    assert champion is not None
    assert baseline is not None
    assert (champion["version"], champion["config"], baseline["version"]) == (1, config, 1)
    assert scene.registry.describe(back.state["rollback"]["from_package"]).status == "Rejected"
    assert "prices are wrong" in scene.registry.describe(back.state["rollback"]["from_package"]).description
    assert '"version": 1' in done["evidence"]["request"]["answer"]
    assert done["made_again"] == []
    assert scene.ledger.entries("baseline.published")[-1].data["version"] == 1
    assert scene.notifier.sent[-1]["subject"] == "version 1 serves again"
    assert (Metric.ROLLBACKS, 1, {}) in scene.metrics.points


def test_a_retry_gives_the_first_answer_and_tells_people_once(scene: Scene, back: RollbackRun) -> None:
    first = back.restored()
    told = len(scene.notifier.sent)
    assert back.restore() == first
    assert len(scene.notifier.sent) == told
    assert len(scene.ledger.entries("rollback.done")) == 1


def test_an_endpoint_that_was_deleted_by_hand_is_made_again(scene: Scene, back: RollbackRun) -> None:
    del scene.endpoints.endpoints[ENDPOINT]
    back.restored()
    assert scene.endpoints.endpoints[ENDPOINT].config == back.state["rollback"]["config"]


def test_a_failed_endpoint_is_removed_first(scene: Scene, back: RollbackRun) -> None:
    scene.endpoints.endpoints[ENDPOINT] = EndpointState(ENDPOINT, "Failed", "whatever")
    with pytest.raises(EndpointNotReady):
        back.restore()
    assert ENDPOINT not in scene.endpoints.endpoints


def test_a_rollback_of_sagemakers_that_failed_is_updated_out_of(scene: Scene, back: RollbackRun) -> None:
    config = back.state["rollback"]["config"]
    scene.endpoints.endpoints[ENDPOINT] = EndpointState(ENDPOINT, "UpdateRollbackFailed", config)
    asked: list[str] = []
    scene.endpoints.update = lambda endpoint, config: asked.append(config)  # type: ignore[method-assign]
    with pytest.raises(RolloutInProgress):
        back.restore()
    assert asked == [config]


def test_a_model_and_a_config_that_are_gone_are_made_again_from_the_record(scene: Scene, back: RollbackRun) -> None:
    config = back.state["rollback"]["config"]
    made = dict(scene.endpoints.models[config])
    scene.endpoints.delete_config(config)
    scene.endpoints.delete_model(config)
    done = back.restored()
    assert done["made_again"] == ["endpoint config", "model"]
    assert scene.endpoints.models[config] == made
    assert "Made again: endpoint config and model." in scene.notifier.sent[-1]["what"]


def test_an_artifact_that_was_changed_meanwhile_is_never_served_again(scene: Scene, back: RollbackRun) -> None:
    config = back.state["rollback"]["config"]
    scene.endpoints.delete_model(config)
    scene.objects.write(back.state["rollback"]["promotion"]["artifact_uri"], b"another")
    with pytest.raises(SignatureMismatch, match="is not what was registered"):
        back.restore()
    assert scene.endpoints.endpoints[ENDPOINT].config != config


def test_sagemaker_is_asked_three_times_and_then_believed(scene: Scene, back: RollbackRun) -> None:
    for _ in range(3):
        with pytest.raises(RolloutInProgress):
            back.restore()
        scene.endpoints.roll_back(ENDPOINT, "no capacity")
    with pytest.raises(EndpointFailed, match="no capacity"):
        back.restore()
    assert [entry.data["try"] for entry in scene.ledger.entries("rollback.moved")] == [1, 2, 3]


def test_an_update_of_somebody_else_is_told_to_go_back(scene: Scene, back: RollbackRun) -> None:
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.configs["trimtab-test-tiny-v9-0123abcd"] = {}
    scene.endpoints.update(ENDPOINT, "trimtab-test-tiny-v9-0123abcd")
    scene.alarms.put({"AlarmName": "trimtab-test-tiny-v9-0123abcd-stop"})
    with pytest.raises(RolloutInProgress):
        back.restore()
    assert scene.alarms.state["trimtab-test-tiny-v9-0123abcd-stop"] == "ALARM"
    assert scene.endpoints.endpoints[ENDPOINT].config == live.config


def test_who_lost_the_lease_moves_nothing(scene: Scene, back: RollbackRun) -> None:
    back.state["rollback"]["fence"] -= 1
    with pytest.raises(LeaseLost):
        back.restore()
    assert scene.endpoints.endpoints[ENDPOINT].status == "InService"


def test_golden_records_that_are_gone_do_not_undo_a_rollback(scene: Scene, back: RollbackRun) -> None:
    scene.objects.delete(back.state["rollback"]["promotion"]["golden_uri"])
    assert "not asked" in back.restored()["evidence"]["request"]["answer"]
