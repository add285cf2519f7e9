"""Two fleets' errors are compared by evidence: enough of it, over the same minutes, and against chance."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from trimtab.rollout.judge.evidence import Evidence, FleetEvidence
from trimtab.rollout.judge.judge import judge
from trimtab.rollout.judge.sequential import log_e_above, log_e_more_errors
from trimtab.rollout.judge.verdict import Check, Judgement
from trimtab.spec.judging import JudgeSpec
from trimtab.spec.rollout import RolloutSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROLLOUT = RolloutSpec(judge=JudgeSpec(without=("latency",)))
Counts = Sequence[tuple[int, int]]
"""Requests and errors of each minute."""


def fleet(counts: Counts, first: int = 0) -> FleetEvidence:
    minutes = [NOON + timedelta(minutes=first + number) for number in range(len(counts))]
    requests = {minute: float(each[0]) for minute, each in zip(minutes, counts, strict=True)}
    errors = {minute: float(each[1]) for minute, each in zip(minutes, counts, strict=True)}
    return FleetEvidence(requests, errors)


def judged(new: Counts, old: Counts | None, rollout: RolloutSpec = ROLLOUT, first_old: int = 0) -> Judgement:
    together = rollout.strategy != "all_at_once"
    evidence = Evidence(NOON, fleet(new), fleet(old, first_old) if old is not None else None, side_by_side=together)
    return judge(evidence, rollout, NOON + timedelta(minutes=len(new)))


def found(judgement: Judgement, rule: str) -> Check:
    check = judgement.check(rule)
    assert check is not None
    return check


def test_a_fleet_that_fails_every_request_fails_before_the_minimum_is_reached() -> None:
    assert judged([(12, 12)], [(600, 0)]).outcome == "fail"


def test_a_fleet_of_the_same_quality_passes_and_the_figures_are_told() -> None:
    judgement = judged([(250, 1), (250, 0)], [(1000, 2), (1000, 2)])
    errors = found(judgement, "errors")
    assert judgement.outcome == errors.outcome == "pass"
    assert (errors.n_new, errors.n_old, errors.limit) == (500, 2000, 0.005)
    assert errors.interval is not None
    assert errors.interval[0] < 0 < errors.interval[1]
    assert judgement.window == (NOON, NOON + timedelta(minutes=2))


def test_requests_that_break_both_fleets_alike_fail_nobody() -> None:
    judgement = judged([(500, 30), (500, 200)], [(2000, 120), (2000, 800)])
    assert judgement.outcome == "pass"
    assert "so is old fleet" in found(judgement, "error_limit").message


def test_an_outage_that_both_fleets_share_is_not_held_against_the_one_that_got_most_of_its_requests_then() -> None:
    """Taken over all minutes the new fleet errs five times as often; minute by minute both are equal."""
    judgement = judged([(100, 0), (1000, 300)], [(1000, 0), (100, 30)])
    assert found(judgement, "errors").outcome == "pass"


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    judgement = judged([(49, 0)], [(2000, 0)])
    assert judgement.outcome == "inconclusive"
    assert "50 are needed" in judgement.message


def test_nothing_measured_yet_is_inconclusive() -> None:
    assert judged([], []).outcome == "inconclusive"


def test_without_an_old_fleet_the_limit_decides_but_one_error_is_no_proof() -> None:
    assert judged([(60, 1)], None).outcome == "pass"
    assert judged([(60, 12)], None).outcome == "fail"


def test_one_per_cent_more_errors_than_an_old_fleet_without_any_fail_although_the_limit_allows_them() -> None:
    judgement = judged([(500, 5)] * 4, [(2000, 0)] * 4)
    assert found(judgement, "error_limit").outcome == "pass"
    assert found(judgement, "errors").outcome == "fail"


def test_a_difference_that_is_proven_but_small_fails_nobody() -> None:
    judgement = judged([(10_000, 40)] * 10, [(10_000, 10)] * 10)
    errors = found(judgement, "errors")
    assert errors.e_value is not None
    assert errors.e_value > 1e6
    assert errors.outcome == "pass"


def test_a_minute_that_is_not_over_is_not_judged() -> None:
    evidence = Evidence(NOON, fleet([(500, 0), (100, 100)]), fleet([(500, 0), (100, 0)]))
    begun = judge(evidence, ROLLOUT, NOON + timedelta(seconds=90))
    assert begun.outcome == "pass"
    assert judge(evidence, ROLLOUT, NOON + timedelta(seconds=120)).outcome == "fail"


def test_a_look_whose_clock_stands_still_sees_the_minutes_that_others_have_followed() -> None:
    evidence = Evidence(NOON, fleet([(100, 100), (100, 100)]), fleet([(500, 0), (500, 0)]))
    judgement = judge(evidence, ROLLOUT, NOON)
    assert found(judgement, "errors").n_new == 100
    assert judgement.outcome == "fail"


def test_all_at_once_is_compared_with_the_hour_before() -> None:
    rollout = RolloutSpec(strategy="all_at_once", max_error_share=0.2, judge=JudgeSpec(without=("latency",)))
    hour = [(100, 0)] * 60
    worse = judged([(100, 12)] * 5, hour, rollout, first_old=-60)
    assert found(worse, "errors").compare == "before"
    assert worse.outcome == "fail"
    assert judged([(100, 0)] * 5, hour, rollout, first_old=-60).outcome == "pass"


def test_all_at_once_after_a_quiet_hour_is_held_to_the_limit_alone() -> None:
    rollout = RolloutSpec(strategy="all_at_once")
    quiet = judged([(100, 0)] * 5, [(1, 0)] * 30, rollout, first_old=-60)
    assert [check.rule for check in quiet.checks if check.required] == ["error_limit"]
    assert quiet.outcome == "pass"
    assert judged([(100, 5)] * 5, [], rollout).outcome == "fail"


def test_an_error_that_is_published_before_its_request_is_counted_as_one() -> None:
    evidence = Evidence(NOON, FleetEvidence({NOON: 1}, {NOON: 2}), FleetEvidence({NOON: 9}, {}))
    assert found(judge(evidence, ROLLOUT, NOON + timedelta(minutes=1)), "error_limit").n_new == 2


@pytest.mark.parametrize("share", [0.0, 0.002, 0.02, 0.3])
def test_bets_on_equal_fleets_never_grow_too_often(share: float) -> None:
    """Ville: at 1 / alpha at any of 120 looks with a chance of at most alpha, 5 per cent here; 400 runs, 3 sigma."""
    random = np.random.default_rng(11)
    wrong = 0
    for _ in range(400):
        new, old = random.integers(1, 60, 120), random.integers(1, 240, 120)
        failed = random.binomial(new, share), random.binomial(old, share)
        minutes = list(zip(*(column.tolist() for column in (failed[0], new, failed[1], old)), strict=True))
        wrong += any(log_e_more_errors(minutes[:look]) >= np.log(20) for look in range(5, 121, 5))
    assert wrong / 400 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_bets_against_a_limit_that_is_just_kept_never_grow_too_often() -> None:
    random = np.random.default_rng(12)
    wrong = 0
    for _ in range(1000):
        errors = random.binomial(40, 0.01, 240).cumsum()
        wrong += any(log_e_above(errors[look], 40 * (look + 1), 0.01) >= np.log(20) for look in range(240))
    assert wrong / 1000 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1000)
