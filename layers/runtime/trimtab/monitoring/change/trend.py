"""A line through the readings, and the day on which it will have crossed a limit.

Weighted least squares. A reading's weight is one over its sampling variance plus the variance that the line leaves
unexplained beyond it (moments, DerSimonian and Laird 1986), so a window of many rows cannot pretend that nothing but
chance moves it. Neighbouring windows resemble each other, so the line's variance is inflated by their correlation as a
first-order autoregression has it (Bayley and Hammersley 1946), which is estimated with the usual correction for short
series (Kendall 1954). A line is looked at again with every reading, so its chance of being false is spent over the
looks: 1 / (k (k + 1)) of it with the k-th doubling of the readings. Lines are drawn through the newest readings too, as
what creeps begins one day. Limits: a season looks like a trend until it turns; give readings relative to the same
period of an earlier year where there is one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from trimtab.monitoring.change.series import Reading, days_between, in_order
from trimtab.monitoring.change.student import quantile

LEAST = 8
"""Readings below which no line is drawn: with two unknowns and a correlation, fewer say little."""
_LEAST_CORRELATED, _MOST_CORRELATED = 0.3, 0.8
"""Neighbours resemble each other at least so much: few readings do not show it, and then invent trends."""
_LEAST_DEGREES = 2


@dataclass(frozen=True)
class Line:
    """value(day) = level + slope x (day - middle), with standard errors of both, which are independent."""

    middle: float
    level: float
    slope: float
    level_error: float
    slope_error: float
    degrees: int

    def band(self, day: float, factor: float) -> tuple[float, float]:
        """Where the line itself lies on a day, ``factor`` standard errors to both sides."""
        away = day - self.middle
        half = factor * math.hypot(self.level_error, self.slope_error * away)
        value = self.level + self.slope * away
        return value - half, value + half


@dataclass(frozen=True)
class Forecast:
    """When a rising measure crosses its limit, if the readings show that it rises at all."""

    outcome: Literal["crosses", "crossed", "no trend", "not within horizon", "too few readings"]
    message: str
    readings: int
    """Through which the line is drawn."""
    slope_per_day: float | None = None
    slope_interval: tuple[float, float] | None = None
    expected: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    """None while the slowest rise that the readings allow crosses after the horizon or never."""

    @property
    def is_warning(self) -> bool:
        """Whether somebody should act before ``expected``."""
        return self.outcome == "crosses"


def forecast(
    readings: Sequence[Reading], limit: float, now: datetime, *, horizon: timedelta, confidence: float = 0.95
) -> Forecast:
    """When the measure, bad when large, will have crossed ``limit``, as far as ``horizon`` from ``now``.

    ``readings`` are those that the line shall be drawn through. A crossing is foretold only when the slope is above 0
    with ``confidence`` (two-sided interval, Student's t) over all looks at a growing series. ``earliest`` and
    ``latest`` are the days on which the upper and the lower end of the line's own confidence band cross: they hold the
    true line's crossing with about that confidence, as long as it stays a line.
    """
    ordered = in_order(readings)
    if len(ordered) < LEAST:
        return Forecast("too few readings", f"{len(ordered)} readings, a line needs {LEAST}", len(ordered))
    drawn = _strongest(ordered, _chance(1 - confidence, len(ordered)))
    line, (low, _) = drawn.line, drawn.interval
    span = drawn.days(now), drawn.days(now + horizon)
    if low <= 0:
        return drawn.says("no trend", f"a slope of 0 a day lies within the interval {_words(drawn.interval)}")
    if line.band(span[0], 0)[0] >= limit:
        return drawn.says("crossed", f"the line is beyond {limit:g} already")
    return _crossing(drawn, limit, span)


def _strongest(ordered: Sequence[Reading], chance: float) -> "_Drawn":
    """Of the lines through all readings and through the newest 8, 16, 32 and so on, the one that rises most surely.

    What has begun to creep bends a line through all readings, which then says nothing; each line has its part of the
    chance of a false one.
    """
    counts = [
        LEAST << doubling for doubling in range((len(ordered) - 1).bit_length()) if LEAST << doubling < len(ordered)
    ]
    tails = [ordered[-count:] for count in counts] + [ordered]
    lines = [_Drawn.through(tail, chance / len(tails)) for tail in tails]
    return max(lines, key=lambda drawn: drawn.interval[0] / drawn.line.slope_error)


def _chance(of_all: float, readings: int) -> float:
    """What one look may spend of the chance that all looks have."""
    doublings = math.log2(readings / LEAST) + 1
    return of_all / (doublings * (doublings + 1))


@dataclass(frozen=True)
class _Drawn:
    """A line, and how many standard errors of it count as chance."""

    start: datetime
    readings: int
    line: Line
    factor: float

    @classmethod
    def through(cls, ordered: Sequence[Reading], chance: float) -> "_Drawn":
        line = fit(ordered)
        return cls(ordered[0].at, len(ordered), line, quantile(1 - chance / 2, line.degrees))

    @property
    def interval(self) -> tuple[float, float]:
        """Of the slope."""
        half = self.factor * self.line.slope_error
        return self.line.slope - half, self.line.slope + half

    def days(self, at: datetime) -> float:
        return days_between(self.start, at)

    def says(
        self,
        outcome: Literal["crosses", "crossed", "no trend", "not within horizon"],
        message: str,
        days: tuple[float | None, float | None, float | None] = (None, None, None),
    ) -> Forecast:
        expected, earliest, latest = (self._date(day) for day in days)
        return Forecast(outcome, message, self.readings, self.line.slope, self.interval, expected, earliest, latest)

    def _date(self, day: float | None) -> datetime | None:
        return None if day is None else self.start + timedelta(days=day)


def _crossing(drawn: _Drawn, limit: float, span: tuple[float, float]) -> Forecast:
    line, factor, slope = drawn.line, drawn.factor, drawn.line.slope
    expected = _first(line, 0, limit, span, upper=True)
    earliest = _first(line, factor, limit, span, upper=True)
    latest = _first(line, factor, limit, span, upper=False)
    if expected is None:
        message = f"rising by {slope:.3g} a day, and beyond {limit:g} only after the horizon"
        return drawn.says("not within horizon", message, (None, earliest, None))
    when = drawn.start + timedelta(days=expected)
    message = f"rising by {slope:.3g} a day {_words(drawn.interval)}, beyond {limit:g} on {when:%Y-%m-%d}"
    return drawn.says("crosses", message, (expected, earliest, latest))


def _first(line: Line, factor: float, limit: float, span: tuple[float, float], *, upper: bool) -> float | None:
    """First day of ``span`` on which one end of the band is at ``limit``; None when it is not within it.

    Ahead of the readings' middle both ends rise when the slope's interval is above 0, so bisection finds it.
    """

    def beyond(day: float) -> bool:
        return line.band(day, factor)[upper] >= limit

    low, high = span
    if beyond(low):
        return low
    if not beyond(high):
        return None
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high


def fit(ordered: Sequence[Reading]) -> Line:
    """The line through at least three readings of different days, oldest first; days count from the first one."""
    days = [days_between(ordered[0].at, reading.at) for reading in ordered]
    values = [reading.value for reading in ordered]
    sampling = [reading.error**2 for reading in ordered]
    plain = _weighted(days, values, [1.0 / (each or 1.0) for each in _known(sampling)])
    weights = [1.0 / each for each in _variances(plain, days, values, sampling)]
    line = _weighted(days, values, weights)
    inflation = _inflation(line, days, values, weights)
    wider = math.sqrt(inflation)
    degrees = max(_LEAST_DEGREES, math.floor(len(ordered) / inflation) - 2)
    return Line(line.middle, line.level, line.slope, line.level_error * wider, line.slope_error * wider, degrees)


def _known(sampling: Sequence[float]) -> list[float]:
    """Sampling variances, or 1 for all when one of them is not known."""
    return list(sampling) if all(sampling) else [1.0] * len(sampling)


def _weighted(days: Sequence[float], values: Sequence[float], weights: Sequence[float]) -> Line:
    total = math.fsum(weights)
    middle = math.fsum(w * day for w, day in zip(weights, days, strict=True)) / total
    level = math.fsum(w * value for w, value in zip(weights, values, strict=True)) / total
    spread = math.fsum(w * (day - middle) ** 2 for w, day in zip(weights, days, strict=True))
    moved = zip(weights, days, values, strict=True)
    slope = math.fsum(w * (day - middle) * (value - level) for w, day, value in moved) / spread
    return Line(middle, level, slope, total**-0.5, spread**-0.5, len(days) - 2)


def _residuals(line: Line, days: Sequence[float], values: Sequence[float]) -> list[float]:
    return [value - line.level - line.slope * (day - line.middle) for day, value in zip(days, values, strict=True)]


def _variances(line: Line, days: Sequence[float], values: Sequence[float], sampling: Sequence[float]) -> list[float]:
    """Variance of each reading around the line: what sampling explains, and what all have beyond it."""
    squares = math.fsum(each**2 for each in _residuals(line, days, values)) / line.degrees
    beyond = max(0.0, squares - math.fsum(sampling) / len(sampling))
    least = 1e-12 * max(1.0, max(abs(value) for value in values)) ** 2
    return [max(each + beyond, least) for each in sampling]


def _inflation(line: Line, days: Sequence[float], values: Sequence[float], weights: Sequence[float]) -> float:
    """How much larger the variance of level and slope is because neighbours resemble each other; 1 or more."""
    left = [each * math.sqrt(w) for each, w in zip(_residuals(line, days, values), weights, strict=True)]
    squares = math.fsum(each**2 for each in left)
    if squares <= 0:
        return 1.0
    found = math.fsum(one * two for one, two in pairwise(left)) / squares
    corrected = min(_MOST_CORRELATED, max(_LEAST_CORRELATED, found + (2 + 4 * found) / len(left)))
    return (1 + corrected) / (1 - corrected)


def _words(interval: tuple[float, float]) -> str:
    return f"[{interval[0]:.3g}, {interval[1]:.3g}]"
