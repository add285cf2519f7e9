"""Bands of expected values for alarms on anomalies.

AWS's model is not public. What is known of it ("Using CloudWatch anomaly detection"): it learns from up to two weeks,
knows hours, days and weeks, and its band is so many standard deviations wide. Here a value is expected to be the median
of its hour of the day over two weeks, and the deviation is a robust one of what is left; it is learned again every
hour, knows no trend and no weekdays, and has no band before there is enough to learn from.
"""

import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

LEARNED_SECONDS: Final = 14 * 86400
LEAST_SECONDS: Final = 3 * 86400
LEAST_POINTS: Final = 48
_LEAST_OF_AN_HOUR: Final = 3
_HOUR: Final = 3600
_DAY_HOURS: Final = 24
_ROBUST: Final = 1.4826
"""Median absolute deviations of a normal distribution in a standard deviation."""
_NARROWEST: Final = 0.01
"""A series that never changes would ring at its first trifle: a deviation is at least this share of the median."""
_BAND: Final = re.compile(r"\s*ANOMALY_DETECTION_BAND\(\s*(\w+)\s*(?:,\s*(\d+(?:\.\d+)?)\s*)?\)\s*")
_USUAL_WIDTH: Final = 2.0

COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "GreaterThanUpperThreshold": lambda beyond, _: beyond > 0,
    "LessThanLowerThreshold": lambda beyond, _: beyond < 0,
    "LessThanLowerOrGreaterThanUpperThreshold": lambda beyond, _: beyond != 0,
}
"""Compared is how far a value lies beyond its band, negative below it."""


@dataclass(frozen=True)
class Band:
    """The line of an alarm's metrics that stands for a band around another line."""

    id: str
    of: str
    width: float
    """In standard deviations."""
    expression: str


@dataclass(frozen=True)
class Model:
    """What is expected at each hour of the day, and how far values usually lie from it."""

    hours: dict[int, float]
    usual: float
    deviation: float

    def limits(self, time: float, width: float) -> tuple[float, float]:
        """The lower and upper limit at a time, given in seconds."""
        expected = self.hours.get(_hour(time), self.usual)
        return expected - width * self.deviation, expected + width * self.deviation


def band_of(id: str, expression: str) -> Band | None:
    """The band that an expression stands for; None when it is another expression."""
    found = _BAND.fullmatch(expression)
    return Band(id, found[1], float(found[2] or _USUAL_WIDTH), expression) if found else None


def learn(points: Iterable[tuple[float, float]]) -> Model | None:
    """The model of (time, value) pairs; None while they are too few, or of too short a time."""
    known = list(points)
    if len(known) < LEAST_POINTS or known[-1][0] - known[0][0] < LEAST_SECONDS:
        return None
    by_hour: defaultdict[int, list[float]] = defaultdict(list)
    for time, value in known:
        by_hour[_hour(time)].append(value)
    usual = statistics.median(value for _, value in known)
    hours = {hour: statistics.median(found) for hour, found in by_hour.items() if len(found) >= _LEAST_OF_AN_HOUR}
    left = [abs(value - hours.get(_hour(time), usual)) for time, value in known]
    deviation = max(_ROBUST * statistics.median(left), _NARROWEST * abs(usual), math.ulp(1.0))
    return Model(hours, usual, deviation)


def beyond(value: float, limits: tuple[float, float]) -> float:
    """How far a value lies above (positive) or below (negative) its limits; 0 between them."""
    lower, upper = limits
    return value - upper if value > upper else min(0.0, value - lower)


def _hour(time: float) -> int:
    return int(time // _HOUR) % _DAY_HOURS
