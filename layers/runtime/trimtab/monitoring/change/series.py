"""Readings of one measure in the order of their windows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Reading:
    """What one window measured, and how far chance alone may have moved it."""

    at: datetime
    """Middle of the time in which the window was asked for."""
    value: float
    error: float = 0.0
    """Standard error of ``value``, in its unit; 0 when it is not known."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and math.isfinite(self.error) and self.error >= 0):
            raise ValueError(f"a reading needs a finite value and error, not {self.value} and {self.error}")
        if self.at.tzinfo is None:
            raise ValueError("a reading's time needs a time zone")


def in_order(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Oldest first, the last of those that have the same time: truth that came later has replaced the earlier ones."""
    newest = {reading.at.astimezone(UTC): reading for reading in readings}
    return tuple(newest[at] for at in sorted(newest))


def bounded(readings: Iterable[Reading], limit: float) -> tuple[Reading, ...]:
    """The same readings, none farther from 0 than 100 times the limit or the median reading, whichever is larger.

    Beyond that a reading says only that it is far out, and one absurd answer (1e160) would drown all others.
    """
    given = tuple(readings)
    most = 100 * (max(abs(limit), median(abs(each.value) for each in given)) or 1.0) if given else 0.0
    return tuple(Reading(each.at, max(-most, min(most, each.value)), min(most, each.error)) for each in given)


def days_between(start: datetime, end: datetime) -> float:
    """Days from ``start`` to ``end``, with fractions."""
    return (end - start) / _DAY
