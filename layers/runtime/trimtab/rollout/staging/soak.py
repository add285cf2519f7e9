"""Memory over a soak: light load for some minutes, and what CloudWatch read meanwhile."""

import statistics
from collections.abc import Sequence
from itertools import combinations

from trimtab.ports import Answer
from trimtab.rollout.staging.checks import Check, Probe, shown
from trimtab.rollout.staging.golden import Golden, lines
from trimtab.spec.staging import GRACE_READINGS, StagingSpec

FEWEST = 3
"""Readings below which no slope is told."""
PER_SECOND = 10.0
LOOK_S = 1.0
"""Seconds of load between two looks at the readings."""
WARM_UP = 1
"""First readings that are left out: the model was being loaded."""


def check_memory(probe: Probe, golden: Sequence[Golden], staging: StagingSpec) -> Check:
    """Passed when memory neither grew nor was nearly full while the endpoint was asked.

    The soak ends when it has a reading for each of its minutes, or when the time for them is over: too few readings
    fail it, because nothing then says that memory is held.
    """
    readings, failed = _soaked(probe, golden, staging)
    if len(readings) - WARM_UP < FEWEST:
        told = f"{len(readings)} readings of memory came in {staging.soak_minutes + GRACE_READINGS} minutes"
        return Check("memory", False, f"{told}, so nothing says that it is held; soak_minutes: 0 leaves this out")
    if failed:
        return Check("memory", False, f"during the soak a request got {shown(failed[0])}")
    return _judged(readings[WARM_UP:], staging)


def _soaked(probe: Probe, golden: Sequence[Golden], staging: StagingSpec) -> tuple[Sequence[float], list[Answer]]:
    wanted = max(staging.soak_minutes, FEWEST) + WARM_UP
    deadline = probe.clock() + (staging.soak_minutes + GRACE_READINGS) * 60
    bodies = [lines([each.record]) for each in golden]
    failed: list[Answer] = []
    sent = 0
    while len(readings := probe.memory()) < wanted and probe.clock() < deadline and not failed:
        for _ in range(round(PER_SECOND * LOOK_S)):
            answer = probe.ask(bodies[sent % len(bodies)])
            sent += 1
            failed += [answer] if answer.status != 200 else []
            probe.wait(1 / PER_SECOND)
    return readings, failed


def _judged(readings: Sequence[float], staging: StagingSpec) -> Check:
    growth, highest = slope(readings) * (len(readings) - 1), max(readings)
    full = highest > staging.max_memory_percent
    message = (
        f"{len(readings)} minutes: memory grew by {growth:+.2f} points (limit {staging.max_memory_growth:g}), highest "
        f"{highest:.1f} % (limit {staging.max_memory_percent:g} %)"
    )
    if growth > staging.max_memory_growth:
        message += f"; at this pace it is full in {(100 - readings[-1]) / slope(readings):.0f} minutes"
    facts = {"readings_percent": [round(each, 2) for each in readings], "growth_points": round(growth, 3)}
    return Check("memory", growth <= staging.max_memory_growth and not full, message, facts)


def slope(readings: Sequence[float]) -> float:
    """Points a reading: the median of the slopes between all pairs (Theil and Sen), which one odd reading cannot bend.

    Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
    """
    pairs = combinations(range(len(readings)), 2)
    return statistics.median((readings[later] - readings[earlier]) / (later - earlier) for earlier, later in pairs)
