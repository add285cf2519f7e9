"""One look at a rollout that SageMaker carries out: what is seen, what speaks against it, and whether it has ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.contracts import Plan, Promotion, Rollout, Started
from trimtab.errors import EndpointFailed, RolloutInProgress
from trimtab.ledger.kinds import ROLLOUT_GOING_BACK, ROLLOUT_SHIFTED
from trimtab.ports import Alarms, Endpoints, EndpointState, ObjectStore, Package
from trimtab.rollout.approval import is_approved
from trimtab.rollout.checking import Checks
from trimtab.rollout.course import Course
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.looking import Looks, fleets
from trimtab.rollout.outcome import is_settled
from trimtab.rollout.production import go_back, has_begun, ringing, vanished
from trimtab.rollout.queue import ensure_lease
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.timetable import PROVISIONING_S

ACTOR = "watch_rollout"
_BEFORE_THE_END = timedelta(seconds=60)
"""How long before the end of a bake it must be known what becomes of it, since SageMaker does not wait."""
_ROUNDING = 2
"""Points by which a share of traffic may miss its step: SageMaker counts in whole instances."""


@dataclass(frozen=True)
class Watch:
    """Looks at the rollout of one promotion."""

    promotion: Promotion
    plan: Plan
    rollout: RolloutSpec
    at: datetime
    endpoints: Endpoints
    alarms: Alarms
    objects: ObjectStore
    looks: Looks
    checks: Checks

    def look(self, package: Package, started: Started) -> Rollout:
        """What it came to. Raises RolloutInProgress until it has come to something."""
        live = self.endpoints.describe(self.plan.endpoint)
        course = self._seen(live)
        judgement = self._judged(live, course)
        against = list(course.reasons) or list(self._against(live, package, judgement))
        if against and self._returned(live, course, against):
            raise RolloutInProgress(f"{self.plan.endpoint} is going back: {'; '.join(against)}")
        if not is_settled(live):
            raise self._unsettled(live)
        if judgement:
            self.looks.write_down(judgement, course, ended=True)
        return self._settled(live, started, against, judgement)

    def _seen(self, live: EndpointState | None) -> Course:
        """The course, with the shift of traffic that this look is the first to see."""
        ledger = self.looks.ledger
        course = Course.read(ledger, self.promotion.id)
        step = self._step(live)
        if step <= course.step or live is None:
            return course
        percent = self.plan.steps[step - 1]["percent"]
        shift = {"step": step, "percent": percent, "config": self.plan.config, "observed": live.pending_share}
        summary = f"version {self.promotion.version} answers {percent} % of the requests"
        since = live.baking_since or self.at
        data = shift | {"at": since.isoformat(), "summary": summary}
        ledger.append(ROLLOUT_SHIFTED, self.promotion.id, data, self.at, ACTOR)
        return Course.read(ledger, self.promotion.id)

    def _step(self, live: EndpointState | None) -> int:
        """Number of the last step whose share of the traffic is on the new fleet; 0 before the first."""
        if live is None:
            return 0
        share = live.pending_share if live.pending_config == self.plan.config else None
        if live.config == self.plan.config:
            share = 1.0
        reached = [step for step in self.plan.steps if step["percent"] <= (share or 0) * 100 + _ROUNDING]
        return len(reached)

    def _judged(self, live: EndpointState | None, course: Course) -> Judgement | None:
        """None when there is nothing to compare: a first version, or traffic that is not moving."""
        both = fleets(self.plan, live.config, live.pending_config) if live else None
        if both is None or self.plan.config not in (both[0].config, both[1].config):
            return None
        judgement = self.looks.look(both, course)
        if course.step:
            self.looks.write_down(judgement, course)
        return judgement

    def _against(self, live: EndpointState | None, package: Package, judgement: Judgement | None) -> Iterator[str]:
        if not is_approved(package):
            yield f"no longer approved: the package is {package.status}"
        if judgement and judgement.outcome == "fail":
            yield judgement.verdict
        if live is not None and self.plan.config in (live.config, live.pending_config):
            yield from vanished(self.alarms, self.plan.alarms)
            yield from self._undecided(live, judgement)
        if live is not None and (live.config, live.status) == (self.plan.config, "InService"):
            yield from ringing(self.alarms, self.plan.alarms)
            yield from self.checks.after(self.endpoints, self.plan.endpoint, self.objects)

    def _undecided(self, live: EndpointState, judgement: Judgement | None) -> Iterator[str]:
        """SageMaker goes on by itself when a bake ends. So it is stopped shortly before, for want of a verdict."""
        proceeds = self.rollout.on_inconclusive == "proceed" or not self.rollout.bake_minutes
        if proceeds or judgement is None or judgement.outcome != "inconclusive":
            return
        if live.config == self.plan.config and live.status == "InService":
            yield f"all traffic has moved, and nothing can be said of the new version: {judgement.message}"
        elif live.baking_since and self.at >= live.baking_since + self._patience():
            yield f"no verdict at the end of the bake: {judgement.message}"

    def _patience(self) -> timedelta:
        bake = timedelta(minutes=self.rollout.bake_minutes)
        return max(bake - _BEFORE_THE_END, bake / 2)

    def _returned(self, live: EndpointState | None, course: Course, against: list[str]) -> bool:
        """True when the new version is on its way out; that it is, and why, is in the ledger once."""
        concerned = live is not None and self.plan.config in (live.config, live.pending_config)
        if concerned and not course.reasons:
            summary = f"version {self.promotion.version} goes back: {'; '.join(against)}"[:1000]
            data = {"step": course.step, "reasons": against, "summary": summary}
            self.looks.ledger.append(ROLLOUT_GOING_BACK, self.promotion.id, data, self.at, ACTOR)
        if concerned and live is not None and live.status == "InService":
            ensure_lease(self.looks.ledger, self.promotion)
        return go_back(self.endpoints, self.alarms, self.plan, live, "; ".join(against))

    def _unsettled(self, live: EndpointState | None) -> Exception:
        """SageMaker ends an update by itself; one that it never ends is a case for a person."""
        said = f"{self.plan.endpoint} is {live.status if live else 'gone'}"
        if self.at > self.plan.deadline + timedelta(seconds=PROVISIONING_S):
            return EndpointFailed(f"{said}, and should have settled by {self.plan.deadline:%Y-%m-%d %H:%M}")
        return RolloutInProgress(said)

    def _settled(
        self, live: EndpointState | None, started: Started, against: list[str], judgement: Judgement | None
    ) -> Rollout:
        bells = ringing(self.alarms, self.plan.alarms)
        began = has_begun(started, self.plan, live, bells) or bool(against)
        return Rollout(
            settled=True,
            began=began,
            reason="" if began else f"the rollout did not begin: {started.failure}"[:1000],
            status=live.status if live else "Deleted",
            live_config=live.config if live else None,
            causes=tuple(dict.fromkeys([*against, *bells, *([live.failure] if live and live.failure else [])])),
            verdict=judgement.to_json() if judgement else None,
        )
