"""The policy applied to the ledger and the alarms, and written down for every alarm."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.functions.scene import Scene, function
from trimtab.errors import LedgerConflict
from trimtab.recovery.arrivals import Arrivals
from trimtab.spec.retraining import RetrainingSpec
from trimtab.telemetry import Metric

DRIFT_ALARM, SCORES_ALARM, QUALITY_ALARM, SLICE_ALARM = "stack-Drift-1", "stack-Scores-3", "stack-Quality-2", "stack-4"
WATCHED = {
    DRIFT_ALARM: Metric.PSI_MAX,
    SCORES_ALARM: Metric.PSI_PREDICTION,
    QUALITY_ALARM: Metric.QUALITY_DROP,
    SLICE_ALARM: Metric.SLICE_DROP,
}


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    for name, metric in WATCHED.items():
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


def decide(
    scene: Scene, cause: str = "alarm", alarm: str | None = DRIFT_ALARM, execution: str = "", **more: str
) -> dict[str, Any]:
    module = function("decide_retrain")
    asked = {"cause": cause, "alarm": alarm or "", **more}
    event = module.DecideRetrainEvent.model_validate(scene.event(execution, asked=asked))
    return dict(module.decide_once(event, scene.runtime, scene.alarms))


def policy(scene: Scene, **changed: Any) -> None:
    """The spec with other settings of retraining."""
    retraining = RetrainingSpec.model_validate(scene.spec.retraining.model_dump() | changed)
    scene.spec = scene.spec.model_copy(update={"retraining": retraining})


def test_an_alarm_starts_a_training_and_the_ledger_has_every_answer(scene: Scene) -> None:
    found = decide(scene)
    assert (found["start"], found["outcome"]) == (True, "Started")
    entry = scene.ledger.entries("retrain.requested")[0]
    assert len(entry.data["decision"]) == 8
    assert (entry.data["kind"], entry.data["at"]) == ("drift", scene.now.isoformat())
    assert entry.data["alarm"] == DRIFT_ALARM
    assert scene.metrics.points == [(Metric.RETRAINS_STARTED, 1, {})]


def test_an_alarm_counts_although_it_is_quiet_again_when_it_is_decided_on(scene: Scene) -> None:
    assert scene.alarms.state[DRIFT_ALARM] == "OK"
    assert decide(scene)["start"] is True


def test_an_alarm_that_watches_something_else_starts_nothing(scene: Scene) -> None:
    assert (
        decide(scene, alarm="stack-DeadLetters")["reason"] == "no alarm of this model rings that its readings bear out"
    )


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


def test_a_flapping_alarm_is_decided_each_time_and_starts_once(scene: Scene) -> None:
    for number in range(180):
        decide(scene, execution=f"alarm-{number}")
        scene.later(minutes=1)
    assert len(scene.ledger.entries("retrain.requested")) == 1
    assert len(scene.ledger.entries("retrain.deferred")) == 179


def test_a_retry_gives_the_first_decision(scene: Scene) -> None:
    first = decide(scene, execution="same")
    assert decide(scene, execution="same") == first
    assert len(scene.ledger.entries("retrain")) == 1


def test_a_training_in_progress_comes_first(scene: Scene) -> None:
    scene.ledger.append("training.leased", "run-7", {}, scene.now, "test")
    scene.later(hours=1)
    assert "run-7 is in progress" in decide(scene, execution="a")["reason"]
    scene.ledger.append("training.released", "run-7", {}, scene.now, "test")
    scene.later(minutes=1)
    assert decide(scene, execution="b")["start"] is True


def test_a_training_that_died_without_release_does_not_block_for_ever(scene: Scene) -> None:
    scene.ledger.append("training.leased", "run-7", {}, scene.now - timedelta(hours=5), "test")
    assert decide(scene)["start"] is True


def test_a_dataset_that_has_all_labelled_data_already_is_not_built_again(scene: Scene) -> None:
    scene.ledger.append("dataset.built", "d2", {}, scene.now, "test")
    accept(scene, labelled=False)
    assert "would learn nothing" in decide(scene, execution="a")["reason"]
    accept(scene, labelled=False, kind="truth")
    scene.later(minutes=1)
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
    scene.later(minutes=1)
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


def rings(scene: Scene, alarm: str = QUALITY_ALARM) -> None:
    """Version 1 serves, is measured beyond its limit, and the alarm says so."""
    serve(scene, 1)
    read_quality(scene, 1, drop=0.2)
    scene.alarms.state[alarm] = "ALARM"


def test_an_event_that_is_delivered_twice_is_decided_on_once(scene: Scene) -> None:
    assert decide(scene, execution="a")["outcome"] == "Started"
    again = decide(scene, execution="b")
    assert (again["outcome"], again["start"]) == ("Duplicate", False)
    assert len(scene.ledger.entries("retrain.")) == 1


def test_an_alarm_that_only_tells_is_written_down_with_the_reason(scene: Scene) -> None:
    found = decide(scene, alarm=SLICE_ALARM)
    assert (found["outcome"], found["start"]) == ("Told", False)
    (entry,) = scene.ledger.entries("alarm.told")
    assert (entry.data["kind"], entry.data["alarm"]) == ("slice", SLICE_ALARM)
    assert "retraining.actions" in entry.data["reason"]


def test_the_spec_says_what_an_alarm_allows(scene: Scene) -> None:
    policy(scene, actions={"slice": "retrain", "drift": "tell"})
    assert decide(scene, alarm=SLICE_ALARM)["outcome"] == "Started"
    scene.later(days=1)
    assert decide(scene, alarm=DRIFT_ALARM)["outcome"] == "Told"


def test_a_request_that_comes_while_a_training_runs_is_decided_again_when_it_has_ended(scene: Scene) -> None:
    rings(scene)
    scene.ledger.append("training.leased", "run-7", {"cause": "data"}, scene.now, "test")
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Deferred"
    scene.later(minutes=5)
    assert decide(scene, "look", "")["outcome"] == "Nothing", "the training still runs"
    scene.ledger.append("training.released", "run-7", {"outcome": "Refused"}, scene.now, "test")
    assert decide(scene, "look", "", "after")["outcome"] == "Started"
    entry = scene.ledger.entries("retrain.requested")[0]
    assert entry.data["settles"] == {QUALITY_ALARM: 1}
    scene.later(days=9)
    assert decide(scene, "look", "")["outcome"] == "Nothing", "it is settled"


def test_what_waits_for_the_cooldown_says_until_when_and_is_started_then(scene: Scene) -> None:
    rings(scene)
    began = scene.now
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Started"
    scene.ledger.append("training.leased", "r", {"cause": "alarm"}, scene.later(minutes=5), "test")
    scene.ledger.append("training.released", "r", {"outcome": "Refused"}, scene.now, "test")
    scene.later(hours=1)
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Deferred"
    (kept,) = scene.ledger.entries("retrain.deferred")
    assert kept.data["until"] == (began + timedelta(hours=6)).isoformat()
    scene.now = began + timedelta(hours=6)
    assert decide(scene, "look", "", "look")["outcome"] == "Started"


def test_a_request_that_waits_for_data_is_decided_again_when_truth_comes(scene: Scene) -> None:
    policy(scene, triggers=["quality"])
    rings(scene)
    scene.ledger.append("dataset.built", "d2", {}, scene.now, "test")
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Deferred"
    accept(scene, labelled=False, kind="truth")
    scene.later(minutes=1)
    assert decide(scene, "truth", "", "t")["outcome"] == "Started"


@pytest.mark.parametrize("why", ["OK again", "another version"])
def test_a_request_that_nobody_asks_for_any_more_expires_with_its_reason(scene: Scene, why: str) -> None:
    rings(scene)
    scene.ledger.append("training.leased", "run-7", {"cause": "data"}, scene.now, "test")
    decide(scene, alarm=QUALITY_ALARM)
    scene.ledger.append("training.released", "run-7", {"outcome": "Registered"}, scene.now, "test")
    if why == "OK again":
        scene.alarms.state[QUALITY_ALARM] = "OK"
    else:
        serve(scene, 2)
    scene.later(minutes=5)
    assert decide(scene, "look", "", "look")["outcome"] == "Nothing"
    (entry,) = scene.ledger.entries("retrain.suppressed")
    assert "asks no more" in entry.data["reason"]
    assert entry.data["settles"] == {QUALITY_ALARM: 1}


def lose(scene: Scene, times: int, cause: str = "alarm", outcome: str = "Refused") -> None:
    """So many trainings in a row end without a candidate."""
    for number in range(times):
        run = f"{cause}-{scene.later(days=3):%d%H}-{number}"
        scene.ledger.append("training.leased", run, {"cause": cause}, scene.now, "test")
        scene.ledger.append("training.released", run, {"outcome": outcome, "reason": "why"}, scene.now, "test")


def test_after_losses_in_a_row_a_person_is_asked_once_and_alarms_are_kept(scene: Scene) -> None:
    rings(scene)
    policy(scene, give_up_after=3)
    lose(scene, 3)
    scene.later(days=1)
    assert decide(scene, "look", "")["outcome"] == "Nothing"
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Deferred"
    (told,) = scene.notifier.sent
    assert 'trimtab retraining resume tiny --reason "..."' in told["next_step"]
    assert len(scene.ledger.entries("retrain.given_up")) == 1
    assert (Metric.RETRAININGS_GIVEN_UP, 1, {}) in scene.metrics.points


def test_a_person_resumes_by_name_and_what_waited_is_decided_at_once(scene: Scene) -> None:
    test_after_losses_in_a_row_a_person_is_asked_once_and_alarms_are_kept(scene)
    scene.later(hours=1)
    found = decide(scene, "resumed", "", "resume-1", by="arn:aws:iam::1:user/ann", reason="the label was mended")
    assert found["outcome"] == "Started"
    (entry,) = scene.ledger.entries("retrain.resumed")
    assert (entry.data["by"], entry.data["reason"]) == ("arn:aws:iam::1:user/ann", "the label was mended")
    assert entry.actor == "arn:aws:iam::1:user/ann"
    assert decide(scene, "resumed", "", "resume-1", by="x", reason="y") == found
    assert len(scene.ledger.entries("retrain.resumed")) == 1


@pytest.mark.parametrize(("cause", "outcome"), [("person", "Refused"), ("alarm", "NotReady"), ("alarm", "Registered")])
def test_what_a_person_asked_for_or_what_was_not_refused_is_no_loss(scene: Scene, cause: str, outcome: str) -> None:
    rings(scene)
    policy(scene, give_up_after=2)
    lose(scene, 4, cause, outcome)
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Started"


def test_a_promotion_ends_the_row_of_losses(scene: Scene) -> None:
    rings(scene)
    policy(scene, give_up_after=3)
    lose(scene, 2)
    take_over(scene, 2)
    read_quality(scene, 2, drop=0.2)
    lose(scene, 2)
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Started"
    assert not scene.ledger.entries("retrain.given_up")


def test_a_schedule_asks_without_an_alarm_and_is_kept_while_a_training_runs(scene: Scene) -> None:
    scene.ledger.append("training.leased", "run-7", {"cause": "data"}, scene.now, "test")
    assert decide(scene, "schedule", "", "s1")["outcome"] == "Deferred"
    scene.ledger.append("training.released", "run-7", {"outcome": "Refused"}, scene.now, "test")
    scene.later(hours=1)
    assert decide(scene, "look", "", "l")["outcome"] == "Started"
    scene.ledger.append("dataset.built", "d2", {}, scene.now, "test")
    scene.later(days=2)
    assert decide(scene, "schedule", "", "s2")["outcome"] == "Suppressed", "nothing is new, and it comes again"


def test_much_that_is_new_asks_without_an_alarm(scene: Scene) -> None:
    policy(scene, volume={"drops": 2})
    assert decide(scene, "look", "")["outcome"] == "Nothing"
    accept(scene, labelled=True)
    found = decide(scene, "look", "", "b")
    assert found["outcome"] == "Started"
    assert "2 new files" in found["reason"]


def test_runs_that_have_cost_too_much_in_a_month_hold_the_next_one_back(scene: Scene) -> None:
    policy(scene, monthly_cost_usd=1.0)
    rings(scene)
    lose(scene, 1)
    scene.ledger.append("training.released", "p", {"outcome": "Registered", "cost": {"usd": 0.6}}, scene.now, "test")
    found = decide(scene, alarm=QUALITY_ALARM)
    assert "1.20 USD are spent, about 0.60 are needed" in found["reason"], "one of unknown cost counts like the last"
    scene.later(days=31)
    assert decide(scene, "look", "")["outcome"] == "Started"


def test_an_alarm_may_go_back_by_itself_while_the_version_is_new_and_tells_after_that(scene: Scene) -> None:
    policy(scene, actions={"quality": "rollback"})
    watched(scene, "tell")
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "RollbackRequested"
    scene.later(days=3)
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Told"


@pytest.mark.parametrize(("days", "missing"), [(0, 0), (31, 0), (39, 1), (75, 2)])
def test_drops_that_do_not_come_are_counted_at_every_look(scene: Scene, days: int, missing: int) -> None:
    scene.spec = scene.spec.model_copy(
        update={"data": scene.spec.data.model_copy(update={"expected_every_days": 31.0})}
    )
    scene.later(days=days)
    decide(scene, "look", "")
    assert (Metric.DROPS_MISSING, missing, {}) in scene.metrics.points


def test_a_month_that_never_came_is_told_when_the_next_one_has_come(scene: Scene) -> None:
    scene.ledger.rows.clear()
    for start, end in (("2026-01-01", "2026-01-31"), ("2026-03-01", "2026-03-31")):
        period = {"start": f"{start}T00:00:00Z", "end": f"{end}T23:00:00Z"}
        data = {"kind": "data", "labelled": True, "period": period}
        scene.ledger.append("drop.accepted", start, data, scene.now, "test")
    assert Arrivals(scene.ledger.rows, scene.now).missing(timedelta(days=31)) == 1
    assert Arrivals(scene.ledger.rows[:1], scene.now).missing(timedelta(days=31)) == 0
