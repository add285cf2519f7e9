"""Rows drawn for the bootstrap: what a draw keeps, and when blocks of time are drawn."""

import math

import numpy as np
import pytest

from trimtab.evaluation.bootstrap import resample
from trimtab.evaluation.draws import DRAWN_AT_ONCE, Blocked, Stratified, choose, counts, design_effect
from trimtab.evaluation.kinds import Kind

START = np.datetime64("2026-01-01T00:00:00", "us")


def hourly(hours: int, a_day: int = 24) -> np.ndarray:
    days, hour = np.divmod(np.arange(hours), a_day)
    return START + (days * 24 + hour) * np.timedelta64(1, "h")


def test_draws_keep_the_number_of_rows_of_each_class() -> None:
    label = np.array([0] * 70 + [1] * 30)
    weights = np.concatenate(list(Stratified(label).weights(25, np.random.default_rng(0))))
    assert weights.shape == (25, 100)
    assert (weights[:, :70].sum(axis=1) == 70).all()
    assert (weights[:, 70:].sum(axis=1) == 30).all()


def test_many_rows_are_drawn_as_a_few_are() -> None:
    """Counts of a row are Poisson in the limit, whichever block the row is in."""
    n = 3 * DRAWN_AT_ONCE + 17
    drawn = counts(n, np.random.default_rng(1))
    assert (len(drawn), drawn.sum()) == (n, n)
    shares = np.bincount(drawn, minlength=4)[:4] / n
    expected = [math.exp(-1) / math.factorial(k) for k in range(4)]
    assert shares == pytest.approx(expected, abs=4 * math.sqrt(0.25 / n))
    blocks = [int(part.sum()) for part in np.array_split(drawn[: 3 * DRAWN_AT_ONCE], 3)]
    assert blocks == pytest.approx([DRAWN_AT_ONCE] * 3, abs=5 * math.sqrt(DRAWN_AT_ONCE))


def test_blocks_draw_whole_units_and_as_many_as_there_are() -> None:
    drawn = Blocked(np.repeat(np.arange(40), 5), "day", 3, 2.0)
    weights = np.concatenate(list(drawn.weights(50, np.random.default_rng(0)))).reshape(50, 40, 5)
    assert (weights == weights[:, :, :1]).all()
    assert (weights[:, :, 0].sum(axis=1) == 40).all()
    neighbours = (weights[:, :, 0] > 0) & (np.roll(weights[:, :, 0], -1, axis=1) > 0)
    assert neighbours.mean() > 0.5, "units drawn one by one would be neighbours in 40 % of the places"


def test_rows_that_do_not_depend_on_time_are_drawn_one_by_one() -> None:
    times = np.repeat(hourly(24 * 40), 5)
    found = [
        choose(np.zeros(len(times), int), times, np.random.default_rng(seed).random(len(times))) for seed in range(20)
    ]
    assert sum(isinstance(each, Blocked) for each in found) <= 2


def test_errors_that_come_by_the_day_are_drawn_in_blocks_of_days() -> None:
    random = np.random.default_rng(3)
    times = np.repeat(hourly(24 * 40), 5)
    losses = np.repeat(random.random(40), 24 * 5) + random.random(len(times))
    found = choose(np.zeros(len(times), int), times, losses)
    assert isinstance(found, Blocked)
    assert (found.unit, found.units) == ("day", 40)
    assert found.design_effect > 5
    assert found.blocks["unit"] == "day"


def test_a_short_hold_out_has_blocks_of_hours() -> None:
    random = np.random.default_rng(3)
    losses = np.repeat(random.random(14 * 18), 10) + 0.2 * random.random(14 * 180)
    found = choose(np.zeros(len(losses), int), np.repeat(hourly(14 * 18, 18), 10), losses)
    assert isinstance(found, Blocked)
    assert found.unit == "hour"


def test_the_spec_s_word_counts() -> None:
    times = hourly(24 * 40)
    losses = np.random.default_rng(0).random(len(times))
    group = np.zeros(len(times), int)
    assert isinstance(choose(group, times, losses, "blocked", "hour"), Blocked)
    assert isinstance(choose(group, times, np.arange(len(times)) / 1.0, "stratified"), Stratified)
    assert isinstance(choose(group, None, losses, "blocked"), Stratified)


def test_losses_that_are_no_numbers_are_no_reason_for_blocks() -> None:
    times = hourly(24 * 40)
    assert isinstance(choose(np.zeros(len(times), int), times, np.full(len(times), np.nan)), Stratified)
    assert math.isnan(design_effect(np.ones(10), np.arange(10) // 2))


def mean_interval(losses: np.ndarray, drawn: Stratified | Blocked, seed: int) -> tuple[float, float]:
    """Of the mean absolute error, whose rows are the losses."""
    kind = Kind("regression", "mae")
    ready = {"a": kind.scored(np.zeros(len(losses)), losses)}
    found = resample(ready, drawn, rounds=200, confidence=0.9, seed=seed, n=len(losses)).interval("a", "mae")
    return found.lo, found.hi


def test_blocks_cover_what_single_rows_do_not() -> None:
    """Errors with a day's own level: the truth is the mean level. Sixty days, 90 %."""
    covered = {"blocked": 0, "stratified": 0}
    trials = 100
    times = hourly(12 * 60, 12)
    for trial in range(trials):
        random = np.random.default_rng([7, trial])
        losses = 1 + np.repeat(random.random(60), 12) + 0.3 * random.random(len(times))
        for asked in covered:
            low, high = mean_interval(losses, choose(np.zeros(len(times), int), times, losses, asked), trial)
            covered[asked] += low <= 1.65 <= high
    assert covered["blocked"] / trials >= 0.9 - 3 * math.sqrt(0.09 / trials) - 0.03, "blocks lose a little at the ends"
    assert covered["stratified"] / trials < 0.6
