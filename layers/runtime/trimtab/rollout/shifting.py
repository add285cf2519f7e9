"""One look at a rollout that Trimtab moves itself, and the one move that follows from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Plan, Promotion, Rollout
from trimtab.ledger.kinds import ROLLOUT_SHADOWED
from trimtab.ports import Alarms, Endpoints, EndpointState, Notifier, ObjectStore, Package
from trimtab.rollout.approval import is_approved
from trimtab.rollout.checking import Checks
from trimtab.rollout.conducting import Conductor
from trimtab.rollout.course import Course
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import SHADOW_LOOK, Looks, fleets
from trimtab.rollout.moves import Move, Position, Sight
from trimtab.rollout.production import ringing, vanished
from trimtab.spec.rollout import RolloutSpec

_ENDS_A_STEP = ("weigh", "update", "shadowed")


@dataclass(frozen=True)
class Shift:
    """Looks at the rollout of one promotion, and moves it."""

    promotion: Promotion
    plan: Plan
    rollout: RolloutSpec
    at: datetime
    endpoints: Endpoints
    alarms: Alarms
    objects: ObjectStore
    looks: Looks
    checks: Checks
    notifier: Notifier

    def look(self, package: Package, abandoned: str) -> dict[str, Any]:
        """``next`` is look, move (SageMaker's guardrails go on), shadowed (nothing goes on) or settled."""
        live = self.endpoints.describe(self.plan.endpoint)
        course = Course.read(self.looks.ledger, self.promotion.id)
        if live is None:
            return self._settled(None, course, "the endpoint does not exist any more")
        # Traffic goes back whatever the fleets do, and also when that cannot be read or written down any more.
        judgement = None if abandoned else self._judged(live, course)
        move = self._conductor().perform(self._position(live, package, judgement, abandoned, course))
        if judgement:
            self.looks.write_down(judgement, course, ended=move.act in _ENDS_A_STEP and course.step > 0)
        if judgement and move.act == "shadowed":
            self.looks.keep(judgement, SHADOW_LOOK)
        return self._told(move, live)

    def _conductor(self) -> Conductor:
        return Conductor(self.promotion, self.plan, self.endpoints, self.looks.ledger, self.notifier, self.at)

    def _judged(self, live: EndpointState, course: Course) -> Judgement | None:
        """Both versions are compared whenever both run: at every step, in every hold, and while weights change.

        A shadow that has been seen is not looked at again while it is taken down: its last look is its report.
        """
        if live.config not in (self.plan.step_config, self.plan.shadow_config) or not course.seen_at(live.config):
            return None
        if live.config == self.plan.shadow_config and course.of(ROLLOUT_SHADOWED):
            return None
        both = fleets(self.plan, live.config)
        return self.looks.look(both, course) if both else None

    def _position(
        self, live: EndpointState, package: Package, judgement: Judgement | None, abandoned: str, course: Course
    ) -> Position:
        against = tuple(self._against(live, package, judgement, abandoned)) if not course.reasons else ()
        sight = Sight(
            self.at,
            against,
            judgement.outcome if judgement else None,
            judgement.message if judgement else "no look was taken",
        )
        return Position(live, self.plan, self.rollout, course, sight, skips_gates="gates" in self.promotion.skips)

    def _against(
        self, live: EndpointState, package: Package, judgement: Judgement | None, abandoned: str
    ) -> Iterator[str]:
        if abandoned:
            yield f"the promotion failed: {abandoned}"[:500]
            return
        if not is_approved(package):
            yield f"no longer approved: the package is {package.status}"
        if judgement and judgement.outcome == "fail":
            yield judgement.verdict
        yield from ringing(self.alarms, self.plan.alarms)
        yield from vanished(self.alarms, self.plan.alarms)
        if self.at > self.plan.deadline:
            yield f"the rollout should have ended by {self.plan.deadline:%Y-%m-%d %H:%M}"
        if (live.config, live.status) == (self.plan.config, "InService"):
            yield from self.checks.after(self.endpoints, self.plan.endpoint, self.objects)

    def _told(self, move: Move, live: EndpointState) -> dict[str, Any]:
        course = Course.read(self.looks.ledger, self.promotion.id)
        if move.act == "hand_over":
            if self.rollout.moved_by == "nothing":
                return {
                    "next": "shadowed",
                    "reason": f"answers were compared for {self.rollout.shadow.minutes} minutes",
                }
            return {"next": "move", "reason": move.why}
        if move.act == "end":
            return self._settled(live, course, move.why)
        return {"next": "look", "reason": move.why, "act": move.act, "step": course.step}

    def _settled(self, live: EndpointState | None, course: Course, why: str) -> dict[str, Any]:
        """A rollout that went back before either version had moved has not begun: its package may be approved again."""
        serves = live is not None and live.config == self.plan.config
        began = serves or any(course.entered(config) for config in self._shared()) or live is None
        back = live is not None and live.config == self.plan.previous_config
        causes = (*course.reasons, *(() if serves or (back and course.reasons) else (why,)))
        rollout = Rollout(
            settled=True,
            began=began,
            reason="" if began else f"the rollout did not begin: {'; '.join(causes)}"[:1000],
            status=live.status if live else "Deleted",
            live_config=live.config if live else None,
            causes=causes,
            verdict=dict(course.verdict) if course.verdict else None,
        )
        return {"next": "settled", "reason": why, "rollout": rollout.to_json()}

    def _shared(self) -> tuple[str, ...]:
        return tuple(config for config in (self.plan.step_config, self.plan.shadow_config) if config)
