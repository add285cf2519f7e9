"""A model heals itself with restraint: every no has a reason, and no storm of alarms spends more than the budget."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from tests.unit.functions.scene import SPEC, tiny_spec
from trimtab.errors import SpecError
from trimtab.recovery.policy import Situation, cooldown, decide
from trimtab.spec.retraining import KINDS, BackoffSpec, RetrainingSpec

POLICY = RetrainingSpec(triggers=("drift", "truth"), cooldown_hours=6, daily_budget=3, monthly_budget=5)
CALM = Situation(
    at=NOON,
    asked_by="alarm PsiMax",
    ringing=["drift"],
    forbidden=[],
    asks=True,
    starts=[],
    running=None,
    new_data=1,
)


def hours_ago(*hours: float) -> list[datetime]:
    return [NOON - timedelta(hours=each) for each in hours]


def test_an_alarm_with_new_data_and_nothing_in_the_way_starts_a_training() -> None:
    decision = decide(CALM, POLICY)
    assert decision.start
    assert decision.reason == "alarm PsiMax: drift beyond the limit"
    assert [answer.passed for answer in decision.answers] == [True] * 8


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ringing": [], "asks": False}, "no alarm of this model rings that its readings bear out"),
        ({"forbidden": ["retraining.triggers does not list truth"]}, "retraining.triggers does not list truth"),
        ({"given_up": NOON}, "given up since 2026-01-01 12:00, until a person resumes"),
        ({"running": "run-7"}, "run-7 is in progress, and its outcome comes first"),
        ({"new_data": 0}, "no labelled data have come since the newest dataset: training again would learn nothing"),
        ({"starts": hours_ago(5.9)}, "cooldown until 2026-01-01T12:06:00+00:00"),
        ({"starts": hours_ago(7, 14, 21)}, "the daily budget of 3 is spent"),
        ({"starts": hours_ago(30, 60, 90, 200, 700)}, "the monthly budget of 5 is spent"),
    ],
)
def test_each_thing_in_the_way_suppresses_it_with_its_reason(change: dict[str, Any], reason: str) -> None:
    decision = decide(replace(CALM, **change), POLICY)
    assert not decision.start
    assert decision.reason == reason


def test_every_question_is_answered_even_after_a_no() -> None:
    decision = decide(replace(CALM, running="run-7", new_data=0), POLICY)
    assert len(decision.answers) == 8
    assert decision.reason.count(";") == 1


@pytest.mark.parametrize(("age", "start"), [(5.99, False), (6, True), (23, True)])
def test_the_cooldown_ends_to_the_second(age: float, start: bool) -> None:
    assert decide(replace(CALM, starts=hours_ago(age)), POLICY).start is start


def test_a_start_of_yesterday_is_not_of_todays_budget() -> None:
    assert decide(replace(CALM, starts=hours_ago(7, 14, 24)), POLICY).start


@pytest.mark.parametrize(("losses", "hours"), [(0, 6), (1, 6), (2, 12), (3, 24), (4, 48), (40, 100)])
def test_the_cooldown_grows_with_every_loss_in_a_row_after_the_first(losses: int, hours: float) -> None:
    policy = POLICY.model_copy(update={"backoff": BackoffSpec(factor=2, max_hours=100)})
    assert cooldown(policy, losses) == timedelta(hours=hours)
    lost = replace(CALM, losses=losses)
    assert not decide(replace(lost, starts=hours_ago(hours - 0.1)), policy).start
    assert decide(replace(lost, starts=hours_ago(hours)), policy).start


def test_money_counts_what_runs_have_cost_and_what_the_next_will() -> None:
    policy = POLICY.model_copy(update={"monthly_cost_usd": 2.0})
    assert decide(replace(CALM, spent_usd=1.5, next_usd=0.5), policy).start
    decision = decide(replace(CALM, spent_usd=1.6, next_usd=0.5), policy)
    assert decision.reason == (
        "the monthly budget of 2 USD does not suffice: 1.60 USD are spent, about 0.50 are needed"
    )


def test_what_passes_by_itself_is_worth_waiting_for_and_what_does_not_is_not() -> None:
    busy = decide(replace(CALM, running="run-7", starts=hours_ago(1)), POLICY)
    assert (busy.waits, busy.until) == (True, "2026-01-01T17:00:00+00:00")
    assert not decide(replace(CALM, running="run-7", asks=False), POLICY).waits
    assert not decide(CALM, POLICY).waits


def test_a_start_that_lies_in_the_future_since_the_clock_was_set_back_counts() -> None:
    policy = POLICY.model_copy(update={"cooldown_hours": 0, "daily_budget": 1})
    assert not decide(replace(CALM, starts=hours_ago(-5)), policy).start


@given(st.lists(st.integers(0, 60), max_size=200), st.integers(0, 12), st.integers(1, 6))
def test_no_storm_of_alarms_breaks_cooldown_or_budget(gaps_min: list[int], cooldown: int, budget: int) -> None:
    policy = RetrainingSpec(triggers=("drift",), cooldown_hours=cooldown, daily_budget=budget)
    starts: list[datetime] = []
    now = NOON
    for gap in gaps_min:
        now += timedelta(minutes=gap)
        if decide(replace(CALM, at=now, starts=starts), policy).start:
            starts.append(now)
    for start in starts:
        assert sum(start - timedelta(days=1) < other <= start for other in starts) <= budget
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert all(gap >= timedelta(hours=cooldown) for gap in gaps)


@pytest.mark.parametrize(
    ("retraining", "mistake"),
    [
        ("{actions: {quality: promote}}", "quality"),
        ("{actions: {weather: tell}}", "weather"),
        ("{volume: {}}", "give rows, drops or both"),
        ("{monthly_cost_usd: 5}", "no price of ml.made.up is known"),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_with_its_place(retraining: str, mistake: str) -> None:
    head, _, _ = SPEC.partition("retraining:")
    text = head.replace("entry_point: train.py", "entry_point: train.py\n  instance_type: ml.made.up")
    with pytest.raises(SpecError, match=mistake):
        tiny_spec(f"{text}retraining: {retraining}\n")


def test_what_an_alarm_allows_follows_from_the_triggers_unless_the_spec_says_otherwise() -> None:
    by_default = RetrainingSpec()
    assert [kind for kind in KINDS if by_default.action(kind) == "retrain"] == [
        "drift",
        "prediction",
        "quality",
        "change",
    ]
    told = RetrainingSpec(triggers=("quality",), actions={"slice": "retrain", "quality": "rollback"})
    assert {kind: told.action(kind) for kind in ("drift", "quality", "slice", "schema")} == {
        "drift": "tell",
        "quality": "rollback",
        "slice": "retrain",
        "schema": "tell",
    }
