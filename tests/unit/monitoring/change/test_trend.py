"""A line through readings, and when it crosses a limit."""

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from scipy import stats

from trimtab.monitoring.change.series import Reading, in_order
from trimtab.monitoring.change.student import cumulative, quantile
from trimtab.monitoring.change.trend import Forecast, forecast

START = datetime(2026, 1, 1, tzinfo=UTC)
HORIZON = timedelta(days=90)


def _series(values: list[float], error: float = 0.5) -> list[Reading]:
    return [Reading(START + timedelta(days=day), value, error) for day, value in enumerate(values)]


def _foretold(values: list[float], limit: float, error: float = 0.5, horizon: timedelta = HORIZON) -> Forecast:
    return forecast(_series(values, error), limit, START + timedelta(days=len(values) - 1), horizon=horizon)


@pytest.mark.parametrize("degrees", [1, 2, 3, 7, 30, 101])
@pytest.mark.parametrize("share", [0.001, 0.2, 0.5001, 0.95, 0.9995])
def test_students_t_is_scipys(degrees: int, share: float) -> None:
    assert quantile(share, degrees) == pytest.approx(stats.t.ppf(share, degrees), rel=1e-6, abs=1e-8)
    assert cumulative(1.7, degrees) == pytest.approx(stats.t.cdf(1.7, degrees), abs=1e-12)


@pytest.mark.parametrize(("share", "degrees"), [(0, 5), (1, 5), (0.5, 0)])
def test_a_quantile_that_does_not_exist_is_refused(share: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        quantile(share, degrees)


def test_a_straight_rise_crosses_on_the_day_it_must() -> None:
    found = _foretold([0.1 * day for day in range(10)], limit=2.0, error=0)
    assert found.outcome == "crosses"
    assert found.expected is not None
    assert abs(found.expected - (START + timedelta(days=20))) < timedelta(minutes=1)
    assert found.is_warning


def test_the_interval_holds_the_expected_day() -> None:
    noise = random.Random(7)
    found = _foretold([0.2 * day + noise.gauss(0, 0.1) for day in range(20)], limit=8.0, error=0.1)
    assert found.earliest is not None
    assert found.expected is not None
    assert found.latest is not None
    assert found.earliest < found.expected < found.latest


def test_few_readings_say_nothing() -> None:
    assert _foretold([0, 1, 2, 3, 4, 5, 6], limit=9).outcome == "too few readings"


def test_a_fall_is_no_warning() -> None:
    assert _foretold([5 - 0.5 * day for day in range(12)], limit=9).outcome == "no trend"


def test_a_line_that_is_beyond_already_is_said_to_be() -> None:
    assert _foretold([0.5 * day for day in range(12)], limit=3).outcome == "crossed"


def test_a_crossing_after_the_horizon_is_no_warning() -> None:
    found = _foretold([0.1 * day for day in range(10)], limit=100.0, error=0)
    assert found.outcome == "not within horizon"
    assert not found.is_warning


def test_readings_that_came_again_replace_the_earlier_ones() -> None:
    again = [*_series([1.0, 2.0]), Reading(START, 7.0)]
    assert [reading.value for reading in in_order(again)] == [7.0, 2.0]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_reading_is_a_finite_number(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Reading(START, value)


def _noise(correlation: float, source: random.Random) -> Callable[[], float]:
    """Readings that resemble their neighbours: a first-order autoregression, after a run-in."""
    state = 0.0

    def following() -> float:
        nonlocal state
        state = correlation * state + source.gauss(0, 1)
        return state

    for _ in range(50):
        following()
    return following


@pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.045), (0.3, 0.07), (0.5, 0.09)])
def test_a_rise_is_seldom_seen_where_there_is_none(correlation: float, most: float) -> None:
    """Nominal one-sided level 2.5 per cent; correlated neighbours cost something, and the bounds say how much."""
    source, seen, rounds = random.Random(11), 0, 600
    for _ in range(rounds):
        following = _noise(correlation, source)
        found = _foretold([following() for _ in range(12)], limit=50)
        seen += found.outcome not in ("no trend", "too few readings")
    assert seen / rounds <= most


def test_what_begins_to_creep_is_foretold_though_it_stood_still_for_long() -> None:
    """Readings stand for forty days, then rise by 0.1 a day and cross on day 60; a line through all says nothing."""
    source = random.Random(3)
    values = [0.1 * max(0, day - 40) + source.gauss(0, 0.1) for day in range(54)]
    found = _foretold(values, limit=2.0, error=0.05)
    assert found.outcome == "crosses"
    assert found.readings < 54
    assert found.earliest is not None
    assert found.earliest <= START + timedelta(days=60) <= (found.latest or START + HORIZON)


@pytest.mark.parametrize(("correlation", "most"), [(0.0, 0.05), (0.5, 0.09)])
def test_looking_after_every_reading_invents_no_more(correlation: float, most: float) -> None:
    """Sixty looks at readings that stay where they are, each at all so far, and four weeks ahead."""
    source, warned, rounds, ahead = random.Random(13), 0, 100, timedelta(days=28)
    for _ in range(rounds):
        following = _noise(correlation, source)
        values = [following() for _ in range(60)]
        looks = (_foretold(values[:end], limit=3, horizon=ahead) for end in range(8, 61))
        warned += any(look.outcome in ("crosses", "crossed") for look in looks)
    assert warned / rounds <= most


def test_the_interval_holds_the_true_day_as_often_as_it_says() -> None:
    source, held, warned = random.Random(5), 0, 0
    crossing = START + timedelta(days=40)
    for _ in range(300):
        found = _foretold([0.2 * day + source.gauss(0, 1) for day in range(25)], limit=8.0)
        if found.outcome == "crosses":
            warned += 1
            assert found.earliest is not None
            held += found.earliest <= crossing and (found.latest is None or crossing <= found.latest)
    assert warned > 250
    assert held / warned >= 0.93
