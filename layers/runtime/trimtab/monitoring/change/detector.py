"""Has a measure moved beyond what is tolerated, be it suddenly or bit by bit?

A mixture of Shiryaev-Roberts e-detectors (Shin, Ramdas and Rinaldo 2023, "E-detectors"): each reading multiplies the
evidence for a shift of a certain size, and every reading may be the one with which the shift began. As long as each
reading, given those before it, is at most the tolerance on average, and chance moves it no more than a normal error of
its standard error would, the expected number of readings until a false detection is at least ``average_run``, however
long one looks. Small sizes of the mixture find what creeps, large ones what jumps. Limit: readings whose errors are
known too small, or that resemble their neighbours, are detected more often than that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trimtab.monitoring.change.series import Reading, in_order

SIZES = (0.25, 0.5, 1.0, 2.0)
"""Shifts that are looked for, in standard errors of a reading."""
_MEMORY = 1.0
"""Evidence is kept below e times the limit, so that an excursion that is over is soon forgotten."""


@dataclass(frozen=True)
class Change:
    """What the readings say up to the newest one."""

    detected: bool
    evidence: float
    """Compared with ``limit``; it grows while readings lie beyond the tolerance."""
    limit: float
    readings: int
    noticed: datetime | None
    """The reading with which the evidence first reached the limit."""
    since: datetime | None
    """The reading with which the change most likely began."""
    message: str


def detect(readings: Sequence[Reading], tolerance: float, *, average_run: float = 500.0) -> Change:
    """Whether the measure, bad when large, is beyond ``tolerance`` now.

    After a detection the evidence falls again only as readings come back below the tolerance: ``detected`` is about
    the newest reading, ``noticed`` about the first of the present excursion. Raises ValueError for a reading without
    a standard error, which no evidence can be weighed by.
    """
    ordered = in_order(readings)
    if any(reading.error <= 0 for reading in ordered):
        raise ValueError("change detection needs the standard error of every reading")
    scores = [(reading.value - tolerance) / reading.error for reading in ordered]
    limit = float(average_run)
    course = _course(scores, math.log(limit) + _MEMORY)
    beyond = [evidence >= math.log(limit) for evidence in course]
    if not beyond or not beyond[-1]:
        evidence = math.exp(course[-1]) if course else 0.0
        return Change(False, evidence, limit, len(ordered), None, None, _quiet(evidence, limit, len(ordered)))
    first = _start_of_run(beyond)
    began = _onset(scores[: first + 1])
    noticed, since = ordered[first].at, ordered[began].at
    message = f"beyond {tolerance:g} since about {since:%Y-%m-%d}, noticed {noticed:%Y-%m-%d}"
    return Change(True, math.exp(course[-1]), limit, len(ordered), noticed, since, message)


def _course(scores: Sequence[float], most: float) -> list[float]:
    """Logarithm of the mixture's evidence after each reading."""
    logs = [-math.inf] * len(SIZES)
    course: list[float] = []
    for score in scores:
        logs = [_step(log, size, score, most) for log, size in zip(logs, SIZES, strict=True)]
        course.append(_log_mean(logs))
    return course


def _step(log: float, size: float, score: float, most: float) -> float:
    """log((M + 1) x exp(size x score - size^2 / 2)), as every reading may be the first; at most ``most``."""
    grown = max(log, 0.0) + math.log1p(math.exp(-abs(log)))
    return min(most, grown + size * score - size * size / 2)


def _log_mean(logs: Sequence[float]) -> float:
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs) / len(logs))


def _start_of_run(beyond: Sequence[bool]) -> int:
    """Index with which the last unbroken run of true values begins; the last value is true."""
    return next((place + 1 for place in range(len(beyond) - 1, -1, -1) if not beyond[place]), 0)


def _onset(scores: Sequence[float]) -> int:
    """Index from which on the readings speak most for a shift, of whatever size (the likelihood's maximum)."""
    total, best, place = 0.0, -math.inf, len(scores) - 1
    for index in range(len(scores) - 1, -1, -1):
        total += scores[index]
        gain = max(total, 0.0) ** 2 / (len(scores) - index)
        if gain > best:
            best, place = gain, index
    return place


def _quiet(evidence: float, limit: float, readings: int) -> str:
    return f"no change: evidence {evidence:.3g} of {limit:g} after {readings} readings"
