"""Monitoring is tied to the version that serves, once."""

import json
from typing import Any

import pytest

from tests.unit.functions.rollback_run import RollbackRun
from tests.unit.functions.scene import ENDPOINT, PromotionRun, Scene, answer_with_x, approved, kinds


@pytest.fixture
def confirmed(scene: Scene) -> PromotionRun:
    """Version 1 serves, and its baseline is not published yet."""
    scene.endpoints.answer = answer_with_x(1)
    run = PromotionRun(scene, "first")
    run.to_plan(approved(scene, "run-1"))
    run.start()
    scene.endpoints.settle(ENDPOINT)
    run.watch()
    run.confirm()
    return run


def state(scene: Scene) -> dict[str, Any]:
    found = scene.ledger.state("baseline")
    assert found is not None
    return found


def test_later_windows_are_compared_with_the_version_that_serves(scene: Scene, confirmed: PromotionRun) -> None:
    published = confirmed.publish()
    assert published["version"] == 1
    assert published["config"] == confirmed.state["plan"]["config"]
    assert published["baseline_uri"] == "s3://artifacts/tiny/datasets/dataset-of-run-1/baseline.json"
    assert published["scores_profile_uri"] == "s3://artifacts/tiny/runs/run-1/evaluation/scores_profile.json"
    assert state(scene).items() <= published.items()
    assert scene.ledger.entries("baseline.published")[0].subject == "first"


def test_only_metrics_that_are_numbers_become_limits(scene: Scene, confirmed: PromotionRun) -> None:
    measured: dict[str, Any] = {"auc": 0.8, "log_loss": None, "brier": float("nan"), "accuracy": 1}
    measured |= {"per_class": {"high": {"recall": 0.5}}}
    uri = confirmed.state["promotion"]["evaluation_uri"]
    scene.objects.write(uri, json.dumps({"metrics": {"candidate": measured}}).encode())
    assert confirmed.publish()["metrics"] == {"auc": 0.8, "accuracy": 1.0}


def test_a_retry_publishes_nothing_new(scene: Scene, confirmed: PromotionRun) -> None:
    first = confirmed.publish()
    scene.later(minutes=1)
    assert confirmed.publish() == first
    assert kinds(scene).count("baseline.published") == 1


def test_without_its_evaluation_nothing_is_published(scene: Scene, confirmed: PromotionRun) -> None:
    scene.objects.delete(confirmed.state["promotion"]["evaluation_uri"])
    with pytest.raises(FileNotFoundError, match=r"evaluation\.json"):
        confirmed.publish()
    assert scene.ledger.state("baseline") is None


def test_a_promotion_that_breaks_off_before_says_that_its_version_serves_unmeasured(
    scene: Scene, confirmed: PromotionRun
) -> None:
    confirmed.close("Failed", "the evaluation could not be read")
    told = scene.notifier.sent[-1]
    assert "version 1 serves all the same, but its baseline is not published" in str(told)
    assert "trimtab rollback tiny --to 1" in str(told)
    assert "as it was" not in str(told)


def test_a_rollback_to_the_version_that_serves_publishes_its_missing_baseline(
    scene: Scene, confirmed: PromotionRun
) -> None:
    confirmed.close("Failed")
    config = scene.endpoints.endpoints[ENDPOINT].config
    back = RollbackRun(scene)
    assert back.begin(to=1, reason="its baseline is missing")["outcome"] == "Begun"
    back.restored()
    back.close()
    assert scene.endpoints.endpoints[ENDPOINT].config == config
    assert "rollback.moved" not in kinds(scene)
    assert (state(scene)["version"], state(scene)["config"]) == (1, config)
    assert state(scene)["metrics"] == {"auc": 0.8}
    assert scene.ledger.entries("baseline.published")[0].data["version"] == 1
    again = RollbackRun(scene, "again").begin(to=1, reason="once more")
    assert (again["outcome"], again["reason"]) == ("Refused", "version 1 serves already, and no rollout is under way")
