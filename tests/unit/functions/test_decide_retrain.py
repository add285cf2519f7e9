"""The policy applied to the ledger and the alarms, and written down for every alarm."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.unit.functions.alarmed import (
    DRIFT_ALARM,
    QUALITY_ALARM,
    SCORES_ALARM,
    accept,
    alarmed,
    decide,
    drifts,
    read_drift,
    read_quality,
    serve,
    take_over,
    watched,
)
from tests.unit.functions.scene import Scene
from trimtab.errors import DecisionOvertaken, LedgerConflict
from trimtab.ports import Entry
from trimtab.recovery.history import pending
from trimtab.telemetry import Metric


@pytest.fixture
def scene() -> Scene:
    return alarmed()


def test_an_alarm_starts_a_training_and_the_ledger_has_every_answer(scene: Scene) -> None:
    drifts(scene)
    found = decide(scene)
    assert (found["start"], found["outcome"]) == (True, "Started")
    entry = scene.ledger.entries("retrain.requested")[0]
    assert len(entry.data["decision"]) == 8
    assert (entry.data["kind"], entry.data["at"]) == ("drift", scene.now.isoformat())
    assert entry.data["alarm"] == DRIFT_ALARM
    assert scene.metrics.points == [(Metric.RETRAINS_STARTED, 1, {})]


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("it cleared", "stack-Drift-1 is OK by now"),
        ("another version", "no reading of version 2, which serves, bears out an alarm of the kind drift"),
        ("read again", "what the alarm has seen of version 1 (drift: 0.1) is within the limit 0.25"),
    ],
)
def test_an_alarm_that_comes_late_starts_nothing_once_its_reason_has_gone(scene: Scene, why: str, said: str) -> None:
    drifts(scene)
    rang = scene.now
    scene.later(hours=3)
    if why == "it cleared":
        scene.alarms.state[DRIFT_ALARM] = "OK"
    elif why == "another version":
        serve(scene, 2)
    else:
        read_drift(scene, 1, psi=0.1, prediction=0.0)
    scene.now = rang
    found = decide(scene)
    assert (found["outcome"], found["reason"]) == ("Suppressed", said)
    assert scene.ledger.entries("retrain.suppressed")[0].data["alarm"] == DRIFT_ALARM


def test_an_alarm_of_which_cloudwatch_knows_nothing_new_still_asks(scene: Scene) -> None:
    drifts(scene)
    scene.alarms.state[DRIFT_ALARM] = "INSUFFICIENT_DATA"
    assert decide(scene)["start"] is True


def test_an_alarm_that_watches_something_else_starts_nothing(scene: Scene) -> None:
    found = decide(scene, alarm="stack-DeadLetters")
    assert found["reason"] == "stack-DeadLetters is no alarm on a measurement of this model"


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
    scene.alarms.state |= {DRIFT_ALARM: "ALARM", SCORES_ALARM: "ALARM"}
    assert decide(scene, "truth", "")["start"] is start


@pytest.mark.parametrize("newest", [None, 0.01])
def test_an_alarm_that_rings_for_an_earlier_version_starts_nothing(scene: Scene, newest: float | None) -> None:
    serve(scene, 1)
    read_quality(scene, 1, drop=0.2)
    scene.alarms.state[QUALITY_ALARM] = "ALARM"
    serve(scene, 2)
    read_quality(scene, 2, drop=newest)
    assert decide(scene, "truth", "")["start"] is False


def test_a_flapping_alarm_starts_once_and_has_a_row_an_hour_while_the_answer_stays(scene: Scene) -> None:
    drifts(scene)
    for number in range(180):
        decide(scene, execution=f"alarm-{number}")
        scene.later(minutes=1)
    assert len(scene.ledger.entries("retrain.requested")) == 1
    kept = scene.ledger.entries("retrain.deferred")
    assert len(kept) == 3, [(entry.at, entry.data["reason"]) for entry in kept]
    assert pending(scene.ledger.rows).keys() == {DRIFT_ALARM}


def test_a_retry_gives_the_first_decision(scene: Scene) -> None:
    first = decide(scene, execution="same")
    assert decide(scene, execution="same") == first
    assert len(scene.ledger.entries("retrain")) == 1


def test_a_training_in_progress_comes_first(scene: Scene) -> None:
    drifts(scene)
    scene.ledger.append("training.leased", "run-7", {}, scene.now, "test")
    scene.later(hours=1)
    assert "run-7 is in progress" in decide(scene, execution="a")["reason"]
    scene.ledger.append("training.released", "run-7", {}, scene.now, "test")
    scene.later(minutes=1)
    assert decide(scene, execution="b")["start"] is True


def test_a_training_that_died_without_release_does_not_block_for_ever(scene: Scene) -> None:
    drifts(scene)
    scene.ledger.append("training.leased", "run-7", {}, scene.now - timedelta(hours=5), "test")
    assert decide(scene)["start"] is True


def test_a_dataset_that_has_all_labelled_data_already_is_not_built_again(scene: Scene) -> None:
    drifts(scene)
    scene.ledger.append("dataset.built", "d2", {}, scene.now, "test")
    accept(scene, labelled=False)
    assert "would learn nothing" in decide(scene, execution="a")["reason"]
    accept(scene, labelled=False, kind="truth")
    scene.later(minutes=1)
    assert decide(scene, execution="b")["start"] is True


def test_two_alarms_at_once_are_decided_one_after_the_other(scene: Scene) -> None:
    drifts(scene)
    scene.ledger.lease("recovery", "other", scene.now, 60)
    with pytest.raises(LedgerConflict):
        decide(scene, execution="mine")
    scene.later(seconds=61)
    assert decide(scene, execution="mine")["start"] is True


def meanwhile(scene: Scene, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """``happens`` once, right after the next decision has read the whole ledger."""
    read = scene.ledger.entries

    def entries(*args: str) -> list[Entry]:
        found = list(read(*args))
        if not args:
            monkeypatch.setattr(scene.ledger, "entries", read)
            happens()
        return found

    monkeypatch.setattr(scene.ledger, "entries", entries)


def test_of_two_alarms_that_are_decided_together_one_starts_though_the_others_lease_has_run_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifts(scene)
    read_drift(scene, 1, psi=0.5, prediction=0.5)
    scene.alarms.state[SCORES_ALARM] = "ALARM"
    first = scene.now

    def other() -> None:
        scene.later(minutes=5)
        assert decide(scene, alarm=SCORES_ALARM, execution="other")["start"] is True
        scene.now = first

    meanwhile(scene, monkeypatch, other)
    with pytest.raises(DecisionOvertaken, match=r"retrain\.requested of other"):
        decide(scene, execution="mine")
    counted = [value for metric, value, _ in scene.metrics.points if metric is Metric.RETRAINS_STARTED]
    assert (len(scene.ledger.entries("retrain.requested")), counted) == (1, [1])
    scene.later(minutes=6)
    assert decide(scene, execution="mine")["start"] is False
    assert len(scene.ledger.entries("retrain.requested")) == 1


def test_a_training_that_begins_while_an_alarm_is_decided_is_seen(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifts(scene)
    meanwhile(scene, monkeypatch, lambda: scene.ledger.append("training.leased", "run-7", {}, scene.now, "test"))
    with pytest.raises(DecisionOvertaken, match="training"):
        decide(scene, execution="mine")
    assert "run-7 is in progress" in decide(scene, execution="mine")["reason"]


def test_two_tries_of_one_execution_start_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    drifts(scene)
    meanwhile(scene, monkeypatch, lambda: decide(scene, execution="mine"))
    with pytest.raises(DecisionOvertaken):
        decide(scene, execution="mine")
    assert decide(scene, execution="mine")["start"] is True
    assert len(scene.ledger.entries("retrain.requested")) == 1


def test_what_has_nothing_to_do_with_trainings_does_not_hold_a_decision_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifts(scene)
    meanwhile(scene, monkeypatch, lambda: scene.ledger.append("run.tracked", "r", {}, scene.now, "test"))
    assert decide(scene, execution="mine")["start"] is True


def test_a_new_version_that_is_worse_than_its_limits_is_rolled_back_instead_of_trained_anew(scene: Scene) -> None:
    watched(scene, "rollback")
    found = decide(scene, alarm=QUALITY_ALARM, execution="e")
    assert (found["start"], found["outcome"], found["rollback"]["to"]) == (False, "RollbackRequested", 1)
    assert "version 2 has served since" in found["rollback"]["reason"]
    assert decide(scene, alarm=QUALITY_ALARM, execution="e") == found


def test_where_people_decide_the_rollback_is_proposed_once_and_the_policy_goes_on(scene: Scene) -> None:
    watched(scene, "tell")
    assert decide(scene, alarm=QUALITY_ALARM, execution="e")["outcome"] == "Started"
    scene.later(minutes=1)
    decide(scene, alarm=QUALITY_ALARM, execution="f")
    (told,) = scene.notifier.sent
    assert "trimtab rollback tiny --to 1 --reason" in told["next_step"]
    assert len(scene.ledger.entries("rollback.proposed")) == 1


@pytest.mark.parametrize(
    "why", ["another version's reading", "watched long enough", "came back itself", "the first", "it is over"]
)
def test_no_rollback_without_a_new_version_that_is_itself_beyond_its_limits(scene: Scene, why: str) -> None:
    watched(scene, "rollback", watch_hours=0 if why == "watched long enough" else 24)
    if why == "another version's reading":
        read_quality(scene, 1, drop=0.3)
        read_quality(scene, 2, drop=0.01)
    elif why == "came back itself":
        take_over(scene, 2, "rollback.done")
    elif why == "it is over":
        scene.alarms.state[QUALITY_ALARM] = "OK"
    elif why == "the first":
        scene.ledger.rows = [row for row in scene.ledger.rows if row.subject != "p1"]
    assert decide(scene, alarm=QUALITY_ALARM)["rollback"] is None


@pytest.mark.parametrize(("newest", "start"), [(0.2, True), (0.0, False)])
def test_an_older_window_that_was_measured_again_is_not_what_the_alarm_saw(
    scene: Scene, newest: float, start: bool
) -> None:
    serve(scene, 1)
    for end, reading in (("2026-01-31", newest), ("2026-01-01", 0.2 - newest)):
        data = {"version": 1, "judged": True, "drop": 0.2, "reading": reading, "period": {"end": end}}
        scene.ledger.append("quality.measured", end, data, scene.now, "test")
    scene.alarms.state[QUALITY_ALARM] = "ALARM"
    assert decide(scene, "truth", "")["start"] is start
