"""How far a promotion is: what the ledger, the endpoint and the judge's newest look say together."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.contracts import Plan, Promotion
from trimtab.ledger.kinds import (
    APPROVAL_CHECKED,
    PROMOTION_CLOSED,
    ROLLOUT_HELD,
    ROLLOUT_PLANNED,
    ROLLOUT_ROLLED_BACK,
    ROLLOUT_SERVING,
    ROLLOUT_SHIFTED,
    STAGING_TESTED,
)
from trimtab.names import CHALLENGER
from trimtab.ports import EndpointState, Entry
from trimtab.rollout.course import Course
from trimtab.rollout.judge.verdict import Judgement


@dataclass(frozen=True)
class Told:
    """What the ledger tells of one promotion."""

    promotion: Promotion
    entries: tuple[Entry, ...]

    def last(self, kind: str) -> Entry | None:
        """The newest entry of exactly ``kind``."""
        return next((entry for entry in reversed(self.entries) if entry.kind == kind), None)

    @property
    def plan(self) -> Plan | None:
        """None before it was made."""
        planned = self.last(ROLLOUT_PLANNED)
        return Plan.model_validate(planned.data) if planned else None

    @property
    def course(self) -> Course:
        return Course(tuple(entry for entry in self.entries if entry.kind.startswith("rollout.")))

    @property
    def outcome(self) -> str:
        """As the promotion was closed: Serving, RolledBack, Shadowed, Refused or Failed; empty until then."""
        closed = self.last(PROMOTION_CLOSED)
        return str(closed.data["outcome"]) if closed else ""

    @property
    def reason(self) -> str:
        """Why it came to its outcome."""
        ended = self.last(ROLLOUT_ROLLED_BACK) or self.last(ROLLOUT_SERVING) or self.last(PROMOTION_CLOSED)
        return str(ended.data.get("reason", "")) if ended else ""


def newest(entries: Iterable[Entry], version: int = 0) -> Told | None:
    """The promotion that was let in last, or last of ``version``; None when none was."""
    listed = list(entries)
    for entry in reversed(listed):
        if entry.kind == APPROVAL_CHECKED and entry.data["outcome"] == "Approved":
            promotion = Promotion.model_validate(entry.data)
            if version in (0, promotion.version):
                return told_of(listed, promotion.id)
    return None


def told_of(entries: Iterable[Entry], promotion: str) -> Told | None:
    """The promotion of that id; None when it was not let in."""
    about = tuple(entry for entry in entries if entry.subject == promotion)
    let_in = [entry for entry in about if entry.kind == APPROVAL_CHECKED and entry.data["outcome"] == "Approved"]
    return Told(Promotion.model_validate(let_in[-1].data), about) if let_in else None


def share_of_new(plan: Plan, live: EndpointState | None) -> float | None:
    """Part of the requests that the new version answers now, 0 to 1; None when nothing serves."""
    if live is None:
        return None
    if live.config == plan.config:
        return 1.0
    if plan.step_config and live.config == plan.step_config:
        total = sum(live.weights.values())
        return live.weights.get(CHALLENGER, 0.0) / total if total else 0.0
    return (live.pending_share or 0.0) if live.pending_config == plan.config else 0.0


@dataclass(frozen=True)
class Progress:
    """One moment of a promotion."""

    told: Told
    live: EndpointState | None
    judgement: Judgement | None
    """The newest look; None before the first."""

    @property
    def phase(self) -> str:
        """Where it is, in a word or two."""
        told = self.told
        if told.outcome:
            return told.outcome
        if told.last(ROLLOUT_SERVING) or told.last(ROLLOUT_ROLLED_BACK):
            return "Closing"
        if told.plan is None:
            return "Tested" if told.last(STAGING_TESTED) else "Staging"
        if told.course.reasons:
            return "GoingBack"
        return "Held" if self.hold else "Moving"

    @property
    def hold(self) -> Mapping[str, Any] | None:
        """What holds traffic at the present step: a gate nobody has released, or the want of a verdict."""
        course = self.told.course
        held = next(
            (entry for entry in reversed(course.of(ROLLOUT_HELD)) if int(entry.data["step"]) == course.step), None
        )
        if held is None or (held.data["why"] == "gate" and course.is_released(course.step)):
            return None
        if held.data["why"] == "inconclusive" and self.judgement and self.judgement.outcome == "pass":
            return None
        return held.data

    @property
    def shares(self) -> dict[str, float]:
        """Part of the requests by endpoint config, 0 to 1; empty while nothing is known."""
        plan = self.told.plan
        share = share_of_new(plan, self.live) if plan else None
        if plan is None or share is None:
            return {self.live.config: 1.0} if self.live else {}
        old = {plan.previous_config: 1 - share} if plan.previous_config and share < 1 else {}
        return old | {plan.config: share}

    @property
    def ends_about(self) -> datetime | None:
        """When all steps are over if nothing holds traffic up; None before traffic moves, and after the end."""
        plan, shifted = self.told.plan, self.told.course.last(ROLLOUT_SHIFTED)
        if plan is None or shifted is None or not self.told.course.step or self.told.outcome:
            return None
        left = plan.steps[self.told.course.step - 1 :]
        return self._moved_at(shifted) + timedelta(seconds=sum(int(step["bake_s"]) for step in left))

    @property
    def next(self) -> str:
        """What comes next, and by whom."""
        told, model = self.told, self.told.entries[0].model
        if told.outcome:
            return "nothing: the promotion has ended"
        if told.plan is None:
            return "the plan of the rollout" if told.last(STAGING_TESTED) else "the staging tests"
        if told.course.reasons:
            return "the old version gets all requests back"
        if hold := self.hold:
            until = f"until {datetime.fromisoformat(hold['until']):%Y-%m-%d %H:%M}, else it goes back"
            release = f'a person releases it (trimtab rollout release {model} --reason "...")'
            return f"{release if hold['why'] == 'gate' else 'a verdict'} {until}"
        return self._next_step(told.plan, told.course)

    def _next_step(self, plan: Plan, course: Course) -> str:
        if not plan.steps:
            return "the new version serves" if plan.action == "create" else "answers are compared"
        if course.step >= len(plan.steps):
            return "the last watch, then the new version's baseline"
        percent = f"{plan.steps[course.step]['percent']} % of the requests"
        shifted = course.last(ROLLOUT_SHIFTED)
        if not course.step or shifted is None:
            return f"{percent}, once the new fleet is ready"
        baked = self._moved_at(shifted) + timedelta(seconds=int(plan.steps[course.step - 1]["bake_s"]))
        return f"{percent} about {baked:%Y-%m-%d %H:%M}"

    @staticmethod
    def _moved_at(shifted: Entry) -> datetime:
        return datetime.fromisoformat(str(shifted.data["at"]))

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        promotion, plan, ends = self.told.promotion, self.told.plan, self.ends_about
        return {
            "model": self.told.entries[0].model,
            "version": promotion.version,
            "promotion": promotion.id,
            "approved_by": list(promotion.approved_by),
            "phase": self.phase,
            "strategy": plan.strategy if plan else "",
            "step": self.told.course.step,
            "steps": [dict(step) for step in plan.steps] if plan else [],
            "shares": self.shares,
            "endpoint_status": self.live.status if self.live else "Deleted",
            "judgement": self.judgement.to_json() if self.judgement else None,
            "going_back": list(self.told.course.reasons),
            "next": self.next,
            "ends_about": ends.isoformat() if ends else None,
            "ends_at_latest": plan.deadline.isoformat() if plan else None,
            "outcome": self.told.outcome,
            "reason": self.told.reason,
        }
