"""The policy applied to the ledger and the alarms, and written down for every alarm."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.functions.scene import Scene, function
from trimtab.errors import LedgerConflict
from trimtab.telemetry import Metric

DRIFT_ALARM, QUALITY_ALARM = "stack-Drift-1", "stack-Quality-2"


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    for name, metric in ((DRIFT_ALARM, Metric.PSI_MAX), (QUALITY_ALARM, Metric.QUALITY_DROP)):
        dimensions = [{"Name": "Model", "Value": "tiny"}]
        request = {"AlarmName": name, "Namespace": "Trimtab", "MetricName": metric.value, "Dimensions": dimensions}
        made.alarms.put(request)
        made.alarms.state[name] = "OK"
    made.ledger.append("dataset.built", "d1", {}, made.now, "test")
    accept(made, labelled=True)
    return made


def accept(scene: Scene, *, labelled: bool, kind: str = "data") -> None:
    data = {"kind": kind, "labelled": labelled}
    scene.ledger.append("drop.accepted", f"drop-{len(scene.ledger.rows)}", data, scene.now, "test")


def decide(scene: Scene, cause: str = "alarm", alarm: str | None = DRIFT_ALARM, execution: str = "") -> dict[str, Any]:
    module = function("decide_retrain")
    event = module.DecideRetrainEvent.model_validate(scene.event(execution, cause=cause, alarm=alarm))
    return dict(module.decide_once(event, scene.runtime, scene.alarms))


def test_an_alarm_starts_a_training_and_the_ledger_has_every_answer(scene: Scene) -> None:
    found = decide(scene)
    assert (found["start"], found["outcome"]) == (True, "Started")
    entry = scene.ledger.entries("retrain.requested")[0]
    assert len(entry.data["decision"]) == 6
    assert entry.data["alarm"] == DRIFT_ALARM
    assert scene.metrics.points == [(Metric.RETRAINS_STARTED, 1, {})]


def test_an_alarm_counts_although_it_is_quiet_again_when_it_is_decided_on(scene: Scene) -> None:
    assert scene.alarms.state[DRIFT_ALARM] == "OK"
    assert decide(scene)["start"] is True


def test_an_alarm_that_watches_something_else_starts_nothing(scene: Scene) -> None:
    assert decide(scene, alarm="stack-DeadLetters")["reason"] == "no drift or quality alarm of this model rings"


def serve(scene: Scene, version: int) -> None:
    scene.ledger.append(
        "rollout.serving", f"p{version}", {}, scene.now, "test", state={"champion": {"version": version}}
    )


def read_quality(scene: Scene, version: int, drop: float | None) -> None:
    scene.ledger.append("quality.measured", "w1", {"version": version, "drop": drop}, scene.now, "test")


def read_drift(scene: Scene, version: int, psi: float, prediction: float) -> None:
    data = {"version": version, "max_psi": psi, "prediction_psi": prediction}
    scene.ledger.append("window.measured", "w1", data, scene.now, "test")


def test_new_truth_starts_a_training_only_while_an_alarm_rings(scene: Scene) -> None:
    serve(scene, 1)
    read_quality(scene, 1, drop=0.2)
    assert decide(scene, "truth", "", "a")["start"] is False
    scene.alarms.state[QUALITY_ALARM] = "ALARM"
    assert decide(scene, "truth", "", "b")["start"] is True


@pytest.mark.parametrize(("psi", "prediction", "start"), [(0.3, 0.1, True), (0.1, 0.3, True), (0.2, 0.2, False)])
def test_drift_of_columns_or_of_scores_is_reason_enough(
    scene: Scene, psi: float, prediction: float, start: bool
) -> None:
    serve(scene, 1)
    read_drift(scene, 1, psi, prediction)
    scene.alarms.state[DRIFT_ALARM] = "ALARM"
    assert decide(scene, "truth", "")["start"] is start


@pytest.mark.parametrize("newest", [None, 0.01])
def test_an_alarm_that_rings_for_an_earlier_version_starts_nothing(scene: Scene, newest: float | None) -> None:
    serve(scene, 1)
    read_quality(scene, 1, drop=0.2)
    scene.alarms.state[QUALITY_ALARM] = "ALARM"
    serve(scene, 2)
    read_quality(scene, 2, drop=newest)
    assert decide(scene, "truth", "")["start"] is False


def test_a_flapping_alarm_is_decided_each_time_and_starts_once(scene: Scene) -> None:
    for number in range(180):
        decide(scene, execution=f"alarm-{number}")
        scene.later(minutes=1)
    assert len(scene.ledger.entries("retrain.requested")) == 1
    assert len(scene.ledger.entries("retrain.suppressed")) == 179


def test_a_retry_gives_the_first_decision(scene: Scene) -> None:
    first = decide(scene, execution="same")
    assert decide(scene, execution="same") == first
    assert len(scene.ledger.entries("retrain")) == 1


def test_a_training_in_progress_comes_first(scene: Scene) -> None:
    scene.ledger.append("training.leased", "run-7", {}, scene.now, "test")
    scene.later(hours=1)
    assert "run-7 is in progress" in decide(scene, execution="a")["reason"]
    scene.ledger.append("training.released", "run-7", {}, scene.now, "test")
    assert decide(scene, execution="b")["start"] is True


def test_a_training_that_died_without_release_does_not_block_for_ever(scene: Scene) -> None:
    scene.ledger.append("training.leased", "run-7", {}, scene.now - timedelta(hours=5), "test")
    assert decide(scene)["start"] is True


def test_a_dataset_that_has_all_labelled_data_already_is_not_built_again(scene: Scene) -> None:
    scene.ledger.append("dataset.built", "d2", {}, scene.now, "test")
    accept(scene, labelled=False)
    assert "would learn nothing" in decide(scene, execution="a")["reason"]
    accept(scene, labelled=False, kind="truth")
    assert decide(scene, execution="b")["start"] is True


def test_two_alarms_at_once_are_decided_one_after_the_other(scene: Scene) -> None:
    scene.ledger.lease("recovery", "other", scene.now, 60)
    with pytest.raises(LedgerConflict):
        decide(scene, execution="mine")
    scene.later(seconds=61)
    assert decide(scene, execution="mine")["start"] is True


def take_over(scene: Scene, version: int, kind: str = "rollout.serving") -> None:
    champion = {"version": version, "config": f"tiny-v{version}", "package_arn": f"arn/{version}"}
    data = {"champion": champion}
    scene.ledger.append(kind, f"p{version}", data, scene.now, "test", state=data)


def watched(scene: Scene, action: str, **after: int) -> None:
    """Version 1, then version 2 serve; version 2 is measured beyond its limit an hour later, and its alarm rings."""
    spec = scene.spec.rollout.after.model_copy(update={"action": action, **after})
    scene.spec = scene.spec.model_copy(update={"rollout": scene.spec.rollout.model_copy(update={"after": spec})})
    take_over(scene, 1)
    scene.later(days=2)
    take_over(scene, 2)
    scene.later(hours=1)
    read_quality(scene, 2, drop=0.2)
    scene.alarms.state[QUALITY_ALARM] = "ALARM"


def test_a_new_version_that_is_worse_than_its_limits_is_rolled_back_instead_of_trained_anew(scene: Scene) -> None:
    watched(scene, "rollback")
    found = decide(scene, alarm=QUALITY_ALARM, execution="e")
    assert (found["start"], found["outcome"], found["rollback"]["to"]) == (False, "RollbackRequested", 1)
    assert "version 2 has served since" in found["rollback"]["reason"]
    assert decide(scene, alarm=QUALITY_ALARM, execution="e") == found


def test_where_people_decide_the_rollback_is_proposed_once_and_the_policy_goes_on(scene: Scene) -> None:
    watched(scene, "tell")
    assert decide(scene, alarm=QUALITY_ALARM, execution="e")["outcome"] == "Started"
    decide(scene, alarm=QUALITY_ALARM, execution="f")
    (told,) = scene.notifier.sent
    assert "trimtab rollback tiny --to 1 --reason" in told["next_step"]
    assert len(scene.ledger.entries("rollback.proposed")) == 1


@pytest.mark.parametrize("why", ["another version's reading", "watched long enough", "came back itself", "the first"])
def test_no_rollback_without_a_new_version_that_is_itself_beyond_its_limits(scene: Scene, why: str) -> None:
    watched(scene, "rollback", watch_hours=0 if why == "watched long enough" else 24)
    if why == "another version's reading":
        read_quality(scene, 1, drop=0.3)
        read_quality(scene, 2, drop=0.01)
    elif why == "came back itself":
        take_over(scene, 2, "rollback.done")
    elif why == "the first":
        scene.ledger.rows = [row for row in scene.ledger.rows if row.subject != "p1"]
    assert decide(scene, alarm=QUALITY_ALARM)["rollback"] is None
