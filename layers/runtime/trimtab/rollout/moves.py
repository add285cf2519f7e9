"""What happens next to a rollout that Trimtab moves itself: a function of the plan, the ledger and what is seen.

No look remembers anything. A look that died, or is repeated, is followed by one that sees how far things have come;
what is seen decides, and never what was meant to be done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from trimtab.contracts import Plan
from trimtab.ledger.kinds import ROLLOUT_SHADOWED
from trimtab.names import CHALLENGER, VARIANT
from trimtab.ports import EndpointState
from trimtab.rollout.course import BEFORE, Course
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import Step

LOST = frozenset({"Failed", "OutOfService", "UpdateRollbackFailed"})
"""Statuses of an endpoint that a person has to help."""
MOST_ENTRIES = 3
"""Times that the endpoint is told to move to a config that it does not keep."""
RETURN_MINUTES = 60
"""How long the old config is asked for again and again while SageMaker does not keep it."""
_NEAR = 0.005
"""Shares of traffic closer than this are the same: weights are floats."""
Act = Literal["wait", "note", "enter", "weigh", "hold", "shadowed", "back", "update", "hand_over", "end"]


@dataclass(frozen=True)
class Sight:
    """What one look knows besides. ``verdict`` is None when nothing can be compared at this moment."""

    at: datetime
    against: tuple[str, ...] = ()
    """Why traffic must not go on, or not stay."""
    verdict: Literal["pass", "fail", "inconclusive"] | None = None
    message: str = ""
    """What the verdict says."""


@dataclass(frozen=True)
class Move:
    """The one thing that is done now. ``why`` is for people."""

    act: Act
    why: str
    config: str = ""
    """Of ``enter`` and ``update``: where the endpoint moves. Of ``note``: what is seen to serve."""
    percent: int = 0
    """Of ``weigh`` and ``note``: share of the new version."""
    step: int = BEFORE
    until: datetime | None = None
    """Of ``hold``."""


@dataclass(frozen=True)
class Position:
    """One look at one rollout, whose endpoint is there."""

    live: EndpointState
    plan: Plan
    rollout: RolloutSpec
    course: Course
    sight: Sight
    skips_gates: bool = False
    """Whoever approved it has opened every gate beforehand."""

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(Step(**step) for step in self.plan.steps)

    @property
    def is_shadowing(self) -> bool:
        """Whether the shadow comes next, or is what runs."""
        return self.rollout.strategy == "shadow" and not self.course.of(ROLLOUT_SHADOWED)

    @property
    def own(self) -> tuple[str, ...]:
        """Configs that this rollout has to do with; an endpoint that serves another one is somebody else's."""
        known = (self.plan.previous_config, self.plan.step_config, self.plan.shadow_config, self.plan.config)
        return tuple(config for config in known if config)


def next_move(at: Position) -> Move:
    """What to do now; ``end`` when nothing is left to be done, whatever the outcome is."""
    if at.live.status in LOST:
        return Move("end", f"the endpoint is {at.live.status}")
    if at.live.config not in at.own:
        return Move("end", f"the endpoint serves {at.live.config}, which this rollout knows nothing of")
    if at.live.status != "InService":
        return Move("wait", f"{at.live.name} is {at.live.status}")
    if at.course.reasons:
        return _way_back(at)
    if at.sight.against:
        return Move("back", "; ".join(at.sight.against))
    return _forward(at)


def _forward(at: Position) -> Move:
    if at.live.config == at.plan.config:
        return Move("end", "the new version serves")
    if at.live.config == at.plan.previous_config:
        return _from_the_start(at)
    return _in_shadow(at) if at.live.config == at.plan.shadow_config else _at_a_step(at)


def _way_back(at: Position) -> Move:
    """First no traffic, which takes seconds, then the old config, which takes as long as starting a fleet."""
    if at.live.config == at.plan.previous_config:
        return Move("end", "the old version serves")
    if at.live.config == at.plan.step_config and _share(at.live) > 0:
        return Move("weigh", "the new version gets no more traffic", percent=0)
    began, old = at.course.going_back_since, str(at.plan.previous_config)
    if began and at.sight.at >= began + timedelta(minutes=RETURN_MINUTES):
        return Move("end", _not_kept(at.live, old))
    return Move("update", "going back to the old config", config=old)


def _not_kept(live: EndpointState, old: str) -> str:
    return (
        f"no request reaches the new version any more, but SageMaker has not kept {old} for {RETURN_MINUTES} minutes "
        f"({live.failure or 'it gave no reason'}); once it can: aws sagemaker update-endpoint "
        f"--endpoint-name {live.name} --endpoint-config-name {old}"
    )


def _share(live: EndpointState) -> float:
    total = sum(live.weights.values())
    return live.weights.get(CHALLENGER, 0.0) / total if total else 0.0


def _from_the_start(at: Position) -> Move:
    """The old config serves: the rollout begins, has left its shadow, or was thrown back by somebody else."""
    if held := _gate(at, BEFORE, at.rollout.gate or "", at.plan.started):
        return held
    if not at.is_shadowing and at.rollout.moved_by != "stepped":
        return Move("hand_over", "nothing is left to do before SageMaker's guardrails")
    target = at.plan.shadow_config if at.is_shadowing else at.plan.step_config
    if at.course.seen_at(target):
        return Move("back", f"{at.live.name} serves {at.live.config} again, and not by this rollout")
    if at.course.entered(target) >= MOST_ENTRIES:
        return Move("back", f"SageMaker did not keep {target}: {at.live.failure or 'it gave no reason'}")
    return Move("enter", f"the endpoint moves to {target}", config=target)


def _gate(at: Position, step: int, gate: str, since: datetime) -> Move | None:
    """A hold while nobody has released the step; None when nothing is in the way."""
    if not gate or at.skips_gates or at.course.is_released(step):
        return None
    until = since + timedelta(hours=at.rollout.gate_hours)
    if at.sight.at >= until:
        return Move("back", f"nobody released the rollout within {at.rollout.gate_hours} hours")
    return Move("hold", "gate", step=step, until=until)


def _in_shadow(at: Position) -> Move:
    seen = at.course.seen_at(at.plan.shadow_config)
    if at.course.of(ROLLOUT_SHADOWED):
        return Move("update", "the shadow has been seen", config=str(at.plan.previous_config))
    if seen is None:
        return Move("note", "the new version gets copies of requests", config=at.plan.shadow_config)
    baked = seen + timedelta(minutes=at.rollout.shadow.minutes)
    if at.sight.at < baked:
        return Move("wait", f"answers are compared until {baked:%H:%M}")
    return _unsure(at, BEFORE, baked) or Move("shadowed", "answers were compared for long enough")


def _at_a_step(at: Position) -> Move:
    current, share = at.course.step, _share(at.live)
    following = at.steps[current] if current < len(at.steps) else None
    if following and abs(share - following.percent / 100) < _NEAR:
        return Move(
            "note",
            f"the new version answers {following.percent} %",
            config=at.plan.step_config,
            percent=following.percent,
            step=current + 1,
        )
    if following and current == BEFORE:
        return Move("weigh", "the first step", percent=following.percent, step=1)
    step = at.steps[current - 1]
    if abs(share - step.percent / 100) >= _NEAR:
        return Move("weigh", "weights are not those of the step", percent=step.percent, step=current)
    return _watched(at, step) or _onward(at, following)


def _watched(at: Position, step: Step) -> Move | None:
    """What keeps traffic at ``step``; None when it may go on."""
    baked = (at.course.shifted_at or at.sight.at) + timedelta(seconds=step.bake_s)
    if at.sight.at < baked:
        return Move("wait", f"{step.percent} % until {baked:%H:%M}", step=at.course.step)
    return _unsure(at, at.course.step, baked) or _gate(at, at.course.step, step.gate, baked)


def _onward(at: Position, following: Step | None) -> Move:
    if following is None:
        return Move("update", "the new version gets a config of its own", config=at.plan.config)
    return Move("weigh", "the next step", percent=following.percent, step=at.course.step + 1)


def _unsure(at: Position, step: int, baked: datetime) -> Move | None:
    """A hold, and at its end the way back, while nothing can be said of the new version."""
    if at.sight.verdict == "pass":
        return None
    until = baked + timedelta(minutes=at.rollout.hold_minutes)
    if at.sight.at < until:
        return Move("hold", "inconclusive", step=step, until=until)
    if at.rollout.on_inconclusive == "proceed":
        return None
    return Move("back", f"no verdict within {at.rollout.hold_minutes} minutes after the bake: {at.sight.message}")


def weights(percent: int) -> dict[str, float]:
    """Weights of the old and of the new version at a step."""
    return {VARIANT: float(100 - percent), CHALLENGER: float(percent)}
