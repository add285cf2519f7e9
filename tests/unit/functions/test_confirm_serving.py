"""What serves is told by the live config, and proven or rejected."""

from dataclasses import replace

from tests.unit.functions.scene import ENDPOINT, Scene, moving, serve_first_version
from trimtab.telemetry import Metric


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


def test_an_endpoint_deleted_by_hand_is_no_version_served(scene: Scene) -> None:
    run = moving(scene)
    del scene.endpoints.endpoints[ENDPOINT]
    assert run.watch()["status"] == "Deleted"
    assert run.confirm()["outcome"] == "RolledBack"
    assert "trimtab rollback tiny --to 1 --reason" in scene.notifier.sent[-1]["next_step"]


def test_a_rollback_of_sagemakers_that_failed_names_the_command_that_brings_the_old_fleet_back(scene: Scene) -> None:
    run = moving(scene)
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, status="UpdateRollbackFailed", pending_config=None)
    run.watch()
    assert run.confirm()["outcome"] == "RolledBack"
    assert "trimtab rollback tiny --to 1 --reason" in scene.notifier.sent[-1]["next_step"]


def test_a_lost_answer_and_a_silent_rollback_without_an_alarm_is_a_rollback_and_no_failure(scene: Scene) -> None:
    run = moving(scene)
    run.state["started"] = {"Error": "States.Timeout", "Cause": "no answer"}
    scene.endpoints.roll_back(ENDPOINT, "no capacity")
    assert run.watch()["began"] is False, "nothing shows that the request took effect"
    live = scene.endpoints.endpoints[ENDPOINT]
    scene.endpoints.endpoints[ENDPOINT] = replace(live, modified=scene.later(minutes=2))
    assert run.watch()["began"] is True
    assert "no capacity" in run.confirm()["reason"]


def test_a_retry_gives_the_first_answer_and_tells_people_once(scene: Scene) -> None:
    run = moving(scene)
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    first = run.confirm()
    scene.endpoints.roll_back(ENDPOINT)
    told = len(scene.notifier.sent)
    assert run.confirm() == first
    assert len(scene.notifier.sent) == told
    assert [entry.data["version"] for entry in scene.ledger.entries("rollout.serving")] == [1, 2]


def test_a_rolled_back_version_is_counted_and_recorded_with_its_reason(scene: Scene) -> None:
    run = moving(scene)
    scene.endpoints.roll_back(ENDPOINT, "the new fleet did not pass its health check")
    run.watch()
    reason = run.confirm()["reason"]
    assert "the new fleet did not pass its health check" in reason
    entry = scene.ledger.entries("rollout.rolled_back")[0]
    assert (entry.subject, entry.data["reason"]) == ("second", reason)
    assert (Metric.ROLLOUTS_ROLLED_BACK, 1, {}) in scene.metrics.points
