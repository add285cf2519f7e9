"""Two fleets are compared by evidence: enough of it, over the same minutes, and against chance."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from trimtab.rollout.fleets import same_window
from trimtab.rollout.judge import FleetCounts, binomial_greater, fisher_greater, judge_errors

fleets = st.integers(0, 400).flatmap(lambda n: st.builds(FleetCounts, st.just(n), st.integers(0, n)))
LIMITS: dict[str, Any] = {"max_error_share": 0.01, "min_requests": 50}


@given(fleets, fleets)
def test_fishers_test_agrees_with_scipy(new: FleetCounts, old: FleetCounts) -> None:
    table = [[new.errors, new.requests - new.errors], [old.errors, old.requests - old.errors]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert fisher_greater(new, old) == pytest.approx(expected, abs=1e-9)


@given(fleets, st.floats(0.001, 0.5))
def test_the_binomial_test_agrees_with_scipy(fleet: FleetCounts, share: float) -> None:
    expected = stats.binom.sf(fleet.errors - 1, fleet.requests, share)
    assert binomial_greater(fleet, share) == pytest.approx(expected, abs=1e-9)


def test_a_fleet_that_fails_every_request_fails_before_the_minimum_is_reached() -> None:
    assert judge_errors(FleetCounts(12, 12), FleetCounts(600, 0), **LIMITS).outcome == "fail"


def test_a_fleet_of_the_same_quality_passes() -> None:
    assert judge_errors(FleetCounts(500, 1), FleetCounts(2000, 4), **LIMITS).outcome == "pass"


def test_requests_that_break_both_fleets_alike_fail_nobody() -> None:
    assert judge_errors(FleetCounts(500, 30), FleetCounts(2000, 120), **LIMITS).outcome == "pass"


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    verdict = judge_errors(FleetCounts(49, 0), FleetCounts(2000, 0), **LIMITS)
    assert verdict.outcome == "inconclusive"
    assert "fewer than 50 requests" in verdict.message


def test_without_an_old_fleet_the_limit_decides_but_one_error_is_no_proof() -> None:
    nobody = FleetCounts(0, 0)
    assert judge_errors(FleetCounts(60, 1), nobody, **LIMITS).outcome == "pass"
    assert judge_errors(FleetCounts(60, 12), nobody, **LIMITS).outcome == "fail"


def test_identical_fleets_are_hardly_ever_told_apart() -> None:
    random = np.random.default_rng(7)
    counts = random.binomial([500, 2000], 0.02, size=(2000, 2))
    verdicts = [
        judge_errors(FleetCounts(500, int(new)), FleetCounts(2000, int(old)), **LIMITS).outcome for new, old in counts
    ]
    assert verdicts.count("fail") / len(verdicts) <= 0.002


def test_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="3 errors in 2 requests"):
        FleetCounts(2, 3)


def test_only_minutes_in_which_the_new_fleet_answered_count() -> None:
    first = datetime(2026, 1, 1, tzinfo=UTC)
    minutes = [first + timedelta(minutes=number) for number in range(3)]
    new, old = same_window({minutes[2]: 10}, {minutes[2]: 2}, dict.fromkeys(minutes, 100), {minutes[0]: 50})
    assert new == FleetCounts(10, 2)
    assert old == FleetCounts(100, 0)


def test_an_error_that_is_published_before_its_request_is_counted_as_one() -> None:
    minute = datetime(2026, 1, 1, tzinfo=UTC)
    new, _ = same_window({minute: 1}, {minute: 2}, {}, {})
    assert new == FleetCounts(2, 2)
