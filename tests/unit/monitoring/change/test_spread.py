"""Errors of readings that hold what differs between windows."""

import random
from datetime import UTC, datetime, timedelta
from math import hypot

import pytest
from scipy import stats

from trimtab.monitoring.change.series import Reading
from trimtab.monitoring.change.spread import _chi_square, with_known_errors, with_spread

START = datetime(2026, 1, 1, tzinfo=UTC)


def _series(values: list[float], error: float) -> list[Reading]:
    return [Reading(START + timedelta(days=day), value, error) for day, value in enumerate(values)]


@pytest.mark.parametrize("degrees", [10 / 3, 5, 12, 60])
def test_the_chi_square_is_scipys(degrees: float) -> None:
    assert _chi_square(0.2, degrees) == pytest.approx(stats.chi2.ppf(0.2, degrees), rel=0.01)


def test_what_differs_between_windows_is_bounded_from_above_with_the_certainty_stated() -> None:
    source, truth = random.Random(2), hypot(0.01, 0.03)
    bounds = [with_spread(_series([source.gauss(0, truth) for _ in range(8)], 0.01))[0].error for _ in range(400)]
    assert sum(bound >= truth for bound in bounds) / len(bounds) == pytest.approx(0.8, abs=0.05)


def test_many_windows_tell_how_much_they_differ() -> None:
    source = random.Random(6)
    (first, *_) = with_spread(_series([source.gauss(0, 0.03) for _ in range(2000)], 0.01))
    assert first.error == pytest.approx(0.03, rel=0.05)


def test_one_step_is_no_spread() -> None:
    step = _series([0.05 * (day >= 20) for day in range(40)], 0.02)
    assert with_spread(step)[0].error == 0.02


def test_an_unknown_error_is_the_middle_one_of_the_others() -> None:
    readings = [*_series([1.0, 2.0, 3.0], 0.1), Reading(START + timedelta(days=9), 4.0)]
    assert [each.error for each in with_known_errors(readings)] == [0.1] * 4
    assert with_known_errors(readings[3:]) == ()
