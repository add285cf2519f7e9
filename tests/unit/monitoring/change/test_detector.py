"""Sudden and slow changes in a series of readings."""

import random
from datetime import UTC, datetime, timedelta
from statistics import fmean

import pytest

from trimtab.monitoring.change.detector import Change, detect
from trimtab.monitoring.change.series import Reading

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLERANCE, ERROR = 0.02, 0.01


def _series(means: list[float], source: random.Random) -> list[Reading]:
    return [Reading(START + timedelta(days=day), source.gauss(mean, ERROR), ERROR) for day, mean in enumerate(means)]


def _delay(readings: list[Reading], start: int) -> int:
    """Readings of the change until it was noticed."""
    for end in range(start, len(readings) + 1):
        if detect(readings[:end], TOLERANCE).detected:
            return end - start
    return len(readings)


def _found(means: list[float], seed: int = 1) -> Change:
    return detect(_series(means, random.Random(seed)), TOLERANCE)


def test_readings_at_the_tolerance_are_no_change() -> None:
    assert not _found([TOLERANCE] * 60).detected


def test_no_readings_are_no_change() -> None:
    assert not detect([], TOLERANCE).detected


def test_a_jump_is_noticed_with_its_first_reading_or_the_next() -> None:
    found = _found([0.0] * 20 + [0.06] * 2)
    assert found.detected
    assert found.since == START + timedelta(days=20)


def test_what_creeps_is_noticed_too() -> None:
    """A shift of one standard error, which no single reading shows."""
    source = random.Random(3)
    delays = [_delay(_series([TOLERANCE] * 10 + [TOLERANCE + ERROR] * 60, source), 10) for _ in range(25)]
    assert fmean(delays) <= 15


def test_a_change_that_is_over_is_forgotten() -> None:
    means = [0.0] * 10 + [0.1] * 10 + [0.0] * 5
    assert not _found(means).detected
    assert _found(means[:20]).detected


def test_the_first_reading_of_the_present_excursion_is_named() -> None:
    found = _found([0.0] * 5 + [0.1] * 3 + [0.0] * 6 + [0.1] * 3)
    assert found.noticed is not None
    assert found.noticed >= START + timedelta(days=14)


def test_larger_shifts_are_noticed_sooner() -> None:
    source = random.Random(8)
    shifts = (0.5, 1.0, 3.0)
    delays = [
        fmean(_delay(_series([0.0] * 5 + [TOLERANCE + shift * ERROR] * 80, source), 5) for _ in range(25))
        for shift in shifts
    ]
    assert delays[0] > delays[1] > delays[2]
    assert delays[2] <= 3.5


def test_false_detections_are_as_rare_as_stated() -> None:
    """At the tolerance itself, the hardest case: on average at least ``average_run`` readings apart."""
    source, run = random.Random(4), 50.0
    waits = []
    for _ in range(60):
        readings = _series([TOLERANCE] * 200, source)
        waits.append(next((n for n in range(1, 201) if detect(readings[:n], TOLERANCE, average_run=run).detected), 200))
    assert fmean(waits) >= run


def test_a_reading_without_its_error_is_refused() -> None:
    with pytest.raises(ValueError, match="standard error"):
        detect([Reading(START, 1.0)], TOLERANCE)
