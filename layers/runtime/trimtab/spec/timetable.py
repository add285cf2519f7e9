"""When a rollout shifts how much traffic, and how long it may take in all."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from trimtab.spec.rollout import RolloutSpec

PROVISIONING_S = 1800
"""Seconds allowed for starting a fleet, once for each that is started on its own. SageMaker names no figure."""
GUARDED = frozenset({"canary", "linear", "all_at_once", "rolling"})
"""Strategies that SageMaker carries out itself once it has been asked."""
SAGEMAKERS_LONGEST_S = 28_800
"""Seconds after which SageMaker itself ends an update."""
_SHORTEST_PACE_S = 10
_MOST_LOOKS = 2000


@dataclass(frozen=True)
class Step:
    """From ``starts_s`` on, the new version answers ``percent`` of the requests, and is watched for ``bake_s``."""

    percent: int
    starts_s: int
    """Seconds after the new fleet is ready, holds not counted."""
    bake_s: int
    gate: str = ""
    """``manual`` when a person has to let traffic go on from here."""


def steps(rollout: RolloutSpec) -> tuple[Step, ...]:
    """The shifts of traffic in order, the last one to 100 per cent; none when a shadow is followed by nothing."""
    made, starts_s = [], 0
    for percent, bake_s, gate in _written(rollout):
        made.append(Step(percent, starts_s, bake_s, gate))
        starts_s += bake_s
    return tuple(made)


def _written(rollout: RolloutSpec) -> Iterator[tuple[int, int, str]]:
    """Percentage, seconds of baking and gate of each step."""
    if rollout.moved_by == "stepped":
        for step in rollout.stepped():
            yield step.percent, (step.bake_minutes or 0) * 60, step.gate or ""
    elif rollout.moved_by != "nothing":
        for percent in _percents(rollout):
            yield percent, rollout.bake_minutes * 60, ""


def _percents(rollout: RolloutSpec) -> list[int]:
    if rollout.moved_by == "all_at_once":
        return [100]
    if rollout.moved_by == "canary":
        return [rollout.percent, 100]
    count = math.ceil(100 / rollout.percent)
    return [min(100, rollout.percent * number) for number in range(1, count + 1)]


def waiting_s(rollout: RolloutSpec) -> int:
    """Seconds of all bakes and of the wait before the old fleet is ended."""
    ends_late = rollout.moved_by in GUARDED and rollout.moved_by != "rolling"
    return sum(step.bake_s for step in steps(rollout)) + (rollout.termination_minutes * 60 if ends_late else 0)


def fleets_started(rollout: RolloutSpec) -> int:
    """How often a fleet is started on its own, one after the other."""
    shadowing = 2 if rollout.strategy == "shadow" else 0
    moving = {"rolling": len(steps(rollout)), "stepped": 2, "nothing": 0}.get(rollout.moved_by, 1)
    return shadowing + moving


def holding_s(rollout: RolloutSpec) -> int:
    """Seconds that a rollout may stand still at most: at gates, and for want of a verdict."""
    phases = 1 if rollout.strategy == "shadow" else 0
    if rollout.moved_by == "stepped":
        phases += len(rollout.steps)
    return _gates(rollout) * rollout.gate_hours * 3600 + phases * rollout.hold_minutes * 60


def has_gates(rollout: RolloutSpec) -> bool:
    """Whether a person has to let traffic go on anywhere."""
    return _gates(rollout) > 0


def _gates(rollout: RolloutSpec) -> int:
    return int(rollout.gate is not None) + sum(bool(step.gate) for step in steps(rollout))


def longest_s(rollout: RolloutSpec) -> int:
    """Seconds within which a rollout has ended one way or the other, by whomever traffic is moved."""
    shadow_s = rollout.shadow.minutes * 60 if rollout.strategy == "shadow" else 0
    fleets = fleets_started(rollout) + 1  # one more to go back to
    return shadow_s + holding_s(rollout) + waiting_s(rollout) + fleets * PROVISIONING_S


def is_conducted(rollout: RolloutSpec) -> bool:
    """Whether Trimtab has something to do before, or in place of, the update that SageMaker carries out."""
    return rollout.strategy in ("stepped", "shadow") or rollout.gate is not None


def pace_s(rollout: RolloutSpec) -> int:
    """Seconds between two looks: as few as an execution's 25,000 events allow, at about ten events a look."""
    return max(_SHORTEST_PACE_S, math.ceil(longest_s(rollout) / _MOST_LOOKS))
