"""A model heals itself with restraint: every no has a reason, and no storm of alarms spends more than the budget."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from trimtab.recovery.policy import Situation, decide
from trimtab.spec.retraining import RetrainingSpec

POLICY = RetrainingSpec(triggers=("drift", "truth"), cooldown_hours=6, daily_budget=3)
CALM = Situation(
    cause="alarm",
    at=NOON,
    ringing=["drift"],
    asked_by="alarm PsiMax",
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
    assert [answer.passed for answer in decision.answers] == [True] * 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ringing": []}, "no drift or quality alarm of this model rings"),
        ({"ringing": ["quality"]}, "retraining.triggers does not list quality"),
        ({"running": "run-7"}, "run-7 is in progress, and its outcome comes first"),
        ({"new_data": 0}, "no labelled data have come since the newest dataset: training again would learn nothing"),
        ({"starts": hours_ago(5.9)}, "cooldown until 2026-01-01T12:06:00+00:00"),
        ({"starts": hours_ago(7, 14, 21)}, "the daily budget of 3 is spent"),
    ],
)
def test_each_thing_in_the_way_suppresses_it_with_its_reason(change: dict[str, Any], reason: str) -> None:
    decision = decide(replace(CALM, **change), POLICY)
    assert not decision.start
    assert decision.reason == reason


def test_every_question_is_answered_even_after_a_no() -> None:
    decision = decide(replace(CALM, running="run-7", new_data=0), POLICY)
    assert len(decision.answers) == 6
    assert decision.reason.count(";") == 1


@pytest.mark.parametrize(("age", "start"), [(5.99, False), (6, True), (23, True)])
def test_the_cooldown_ends_to_the_second(age: float, start: bool) -> None:
    assert decide(replace(CALM, starts=hours_ago(age)), POLICY).start is start


def test_a_start_of_yesterday_is_not_of_todays_budget() -> None:
    assert decide(replace(CALM, starts=hours_ago(7, 14, 24)), POLICY).start


def test_truth_starts_a_training_only_where_the_spec_lists_it_and_an_alarm_rings() -> None:
    truth = replace(CALM, cause="truth", asked_by="new truth")
    assert decide(truth, POLICY).start
    assert not decide(replace(truth, ringing=[]), POLICY).start
    assert not decide(truth, POLICY.model_copy(update={"triggers": ("drift",)})).start


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
