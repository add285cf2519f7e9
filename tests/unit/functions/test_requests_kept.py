"""Requests to retrain that cannot be met yet: kept, decided again, expired; backoff, giving up, and what else asks."""

from datetime import timedelta

import pytest

from tests.unit.functions.alarmed import (
    DRIFT_ALARM,
    QUALITY_ALARM,
    SLICE_ALARM,
    accept,
    alarmed,
    decide,
    drifts,
    lose,
    policy,
    read_quality,
    rings,
    serve,
    take_over,
    watched,
)
from tests.unit.functions.scene import Scene
from trimtab.recovery.arrivals import Arrivals
from trimtab.telemetry import Metric


@pytest.fixture
def scene() -> Scene:
    return alarmed()


def test_an_event_that_is_delivered_twice_is_decided_on_once(scene: Scene) -> None:
    drifts(scene)
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
    sliced = scene.spec.evaluation.model_copy(update={"slices": ("kind",)})
    scene.spec = scene.spec.model_copy(update={"evaluation": sliced})
    rings(scene, SLICE_ALARM)
    scene.ledger.append("quality.measured", "w2", {"version": 1, "drop": 0.0, "slice_drop": 0.2}, scene.now, "test")
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


def test_a_request_that_waits_asks_no_more_once_a_person_has_reconsidered_the_baseline(scene: Scene) -> None:
    drifts(scene)
    scene.ledger.append("training.leased", "run-7", {"cause": "data"}, scene.now, "test")
    assert decide(scene)["outcome"] == "Deferred"
    scene.ledger.append("training.released", "run-7", {"outcome": "Registered"}, scene.now, "test")
    scene.ledger.append("baseline.reconsidered", "word", {"version": 1, "window": "w1"}, scene.now, "test")
    scene.later(minutes=5)
    assert decide(scene, "look", "", "look")["outcome"] == "Nothing"
    (entry,) = scene.ledger.entries("retrain.suppressed")
    assert "asks no more: no reading of version 1, which serves, bears out an alarm" in entry.data["reason"]
    assert entry.data["settles"] == {DRIFT_ALARM: 1}


def test_an_alarm_that_asks_again_within_the_hour_for_the_same_reason_starts_again(scene: Scene) -> None:
    policy(scene, cooldown_hours=0)
    drifts(scene)
    for number, execution in enumerate(("a", "b"), start=1):
        assert decide(scene, execution=execution)["outcome"] == "Started"
        scene.ledger.append("training.leased", f"run-{number}", {"cause": "alarm"}, scene.now, "test")
        scene.ledger.append("dataset.built", f"run-{number}", {}, scene.now, "test")
        scene.later(minutes=15)
        scene.ledger.append("training.released", f"run-{number}", {"outcome": "NotReady"}, scene.now, "test")
        accept(scene, labelled=True)
    first, second = scene.ledger.entries("retrain.requested")
    assert first.data["reason"] == second.data["reason"]


def test_a_request_that_expired_and_comes_back_within_the_hour_is_kept_again(scene: Scene) -> None:
    rings(scene)
    scene.ledger.append("training.leased", "run-7", {"cause": "data"}, scene.now, "test")
    decide(scene, alarm=QUALITY_ALARM)
    scene.alarms.state[QUALITY_ALARM] = "OK"
    scene.later(minutes=5)
    decide(scene, "look", "", "look")
    scene.alarms.state[QUALITY_ALARM] = "ALARM"
    scene.later(minutes=5)
    assert decide(scene, alarm=QUALITY_ALARM)["outcome"] == "Deferred"
    scene.ledger.append("training.released", "run-7", {"outcome": "Refused"}, scene.now, "test")
    scene.later(minutes=5)
    assert decide(scene, "look", "", "after")["outcome"] == "Started"


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


def test_a_corrected_file_is_none_of_the_drops_that_are_waited_for(scene: Scene) -> None:
    scene.ledger.rows.clear()
    for days, month in ((0, "01"), (31, "02"), (69, "01")):
        period = {"start": f"2026-{month}-01T00:00:00Z", "end": f"2026-{month}-28T23:00:00Z"}
        data = {"kind": "data", "labelled": True, "period": period}
        scene.ledger.append("drop.accepted", f"{days}", data, scene.now + timedelta(days=days), "test")
    late = scene.now + timedelta(days=31 + 70)
    assert Arrivals(scene.ledger.rows, late).missing(timedelta(days=31)) == 2
