"""The judge's looks at a rollout: asked for with what the plan says, kept for the next one, and written down."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Champion, Plan, Promotion
from trimtab.errors import DataError
from trimtab.ledger.kinds import ROLLOUT_JUDGED, ROLLOUT_SHADOWED
from trimtab.names import CHALLENGER, SHADOW, VARIANT
from trimtab.ports import Ledger, MetricsSink, ObjectStore
from trimtab.rollout.course import Course
from trimtab.rollout.judge.evidence import Fleet
from trimtab.rollout.judge.look import look
from trimtab.rollout.judge.shown import show
from trimtab.rollout.judge.sources import Sources, Subject
from trimtab.rollout.judge.synthetic import ask
from trimtab.rollout.judge.verdict import Judgement
from trimtab.rollout.staging.golden import Golden, lines, read_golden
from trimtab.spec.rollout import RolloutSpec

NEWEST = "judgement.json"
"""The newest look at a rollout, overwritten by each; what was decided by is in the ledger."""
SHADOW_LOOK = "shadow.json"
"""The last look at the shadow; what follows it is looked at anew."""
Fleets = tuple[Fleet, Fleet]
"""The new one and the old one."""


def fleets(plan: Plan, serving: str, pending: str | None = None) -> Fleets | None:
    """The fleets that may be compared while ``serving`` is the live config; None when there is no old one."""
    if plan.previous_config is None:
        return None
    if serving in (plan.step_config, plan.shadow_config):
        newcomer = CHALLENGER if serving == plan.step_config else SHADOW
        return Fleet(plan.endpoint, serving, newcomer), Fleet(plan.endpoint, serving, VARIANT)
    if plan.config in (serving, pending):
        return Fleet(plan.endpoint, plan.config, VARIANT), Fleet(plan.endpoint, plan.previous_config, VARIANT)
    return None


def since(plan: Plan, course: Course) -> datetime:
    """From when on both fleets may be compared: a shadow before is another rollout's evidence."""
    shadowed = course.last(ROLLOUT_SHADOWED)
    return shadowed.at if shadowed else plan.started


@dataclass(frozen=True)
class Looks:
    """Looks at one promotion's rollout."""

    model: str
    promotion: Promotion
    plan: Plan
    rollout: RolloutSpec
    objects: ObjectStore
    ledger: Ledger
    sources: Sources
    uri: str
    """Folder of this rollout in the artifacts bucket."""
    at: datetime
    metrics: MetricsSink

    def look(self, both: Fleets, course: Course) -> Judgement:
        """What is to be said of both fleets now, by all that is known since the rollout began."""
        judgement = look(self._subject(both, course), self.rollout, self.sources, self.at, self._previous())
        self.keep(judgement, NEWEST)
        show(judgement, self._percent(course), self.metrics)
        if course.step and self.sources.requests:
            ask(self.sources.requests, self.plan.endpoint, self._bodies(), judgement, self.rollout)
        return judgement

    def keep(self, judgement: Judgement, name: str) -> None:
        """The look is an object of the rollout's folder, with the records that both versions answered."""
        pairs = judgement.pairs.to_json() if judgement.pairs else None
        body = json.dumps(judgement.to_json() | {"at": self.at.isoformat(), "pairs": pairs}, indent=1).encode()
        self.objects.write(f"{self.uri}/{name}", body, "application/json")

    def write_down(self, judgement: Judgement, course: Course, *, ended: bool = False) -> None:
        """The ledger has the judgement when it says something new, or when a step has ``ended`` by it."""
        before = course.verdict
        if ended or before is None or before["outcome"] != judgement.outcome:
            summary = f"version {self.promotion.version}: {judgement.outcome}: {judgement.message}"[:1000]
            data = {"step": course.step, "judgement": judgement.to_json(), "summary": summary}
            self.ledger.append(ROLLOUT_JUDGED, self.promotion.id, data, self.at, "judge")

    def _percent(self, course: Course) -> float:
        return float(self.plan.steps[course.step - 1]["percent"]) if course.step else 0.0

    def _previous(self) -> Judgement | None:
        try:
            return Judgement.from_json(json.loads(self.objects.read(f"{self.uri}/{NEWEST}")))
        except FileNotFoundError:
            return None

    def _subject(self, both: Fleets, course: Course) -> Subject:
        new, old = both
        champion = self._champion()
        return Subject(
            model=self.model,
            since=since(self.plan, course),
            until=max(self.at, self.plan.deadline),
            new=new,
            new_version=self.promotion.version,
            old=old,
            old_version=champion.version if champion else 0,
            new_expected=self._expected(self.promotion.golden_uri),
            old_expected=self._expected(_golden_of(self.ledger.state("champion") or {})),
        )

    def _champion(self) -> Champion | None:
        found = self.ledger.state("champion")
        return Champion.model_validate(found) if found else None

    def _bodies(self) -> list[bytes]:
        """Requests of one golden record each; none when they are gone."""
        return [lines([golden.record]) for golden in self._golden(self.promotion.golden_uri)]

    def _expected(self, golden_uri: str) -> tuple[float, ...]:
        """Scores that the evaluation gave to a version's golden records; none when they are gone."""
        return tuple(golden.score for golden in self._golden(golden_uri))

    def _golden(self, golden_uri: str) -> list[Golden]:
        if not golden_uri:
            return []
        try:
            return read_golden(self.objects.read(golden_uri))
        except (FileNotFoundError, DataError):
            return []


def _golden_of(champion: dict[str, Any]) -> str:
    evaluation = str(champion.get("evaluation_uri", ""))
    return evaluation.removesuffix("evaluation.json") + "golden.jsonl" if evaluation else ""
