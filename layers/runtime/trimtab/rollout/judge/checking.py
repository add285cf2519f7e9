"""What every rule is told: the evidence, the minutes, the limits of the spec, and its share of alpha."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from trimtab.rollout.judge.evidence import Evidence
from trimtab.rollout.judge.minutes import Span
from trimtab.rollout.judge.verdict import Check
from trimtab.spec.judging import JudgedMetric
from trimtab.spec.rollout import RolloutSpec

WEIGHTS: Final = {
    "errors": 1.0, "error_limit": 1.0, "latency": 4.0, "scores": 1.0, "profile": 1.0, "truth": 1.0, "agreement": 0.0,
}  # fmt: skip
"""Shares of alpha. Latency has few points, a minute each, so it gets the most; a metric of one's own weighs 1.

Equal versions agree exactly on the same records, so that rule needs no share; nor does a metric with its own limit,
which compares nothing.
"""
_METRIC_WEIGHT: Final = 1.0
_SOURCES: Final = {"errors": "metrics", "error_limit": "metrics", "latency": "metrics", "truth": "truth"}
Finding = Literal["pass", "fail", "inconclusive", "error"]


@dataclass(frozen=True)
class Case:
    """One look."""

    evidence: Evidence
    rollout: RolloutSpec
    span: Span


@dataclass(frozen=True)
class Rule:
    """One rule with its share of alpha."""

    name: str
    alpha: float
    required: bool
    dry_run: bool
    metric: JudgedMetric | None = None

    def check(self, outcome: Finding, message: str, **figures: Any) -> Check:
        """The rule's finding."""
        settings = {"alpha": self.alpha, "required": self.required, "dry_run": self.dry_run}
        return Check(self.name, outcome, message, **{**settings, **figures})

    @property
    def source(self) -> str:
        """The source without which the rule cannot be judged."""
        if self.metric is not None:
            return f"metric:{self.name}"
        return _SOURCES.get(self.name, "capture")


def rules_of(rollout: RolloutSpec) -> tuple[Rule, ...]:
    """Every rule that is on. Their alphas add up to the judge's; those of rules in dry run come on top."""
    judge = rollout.judge
    own = [name for name in WEIGHTS if name not in judge.without]
    weights: Mapping[str, float] = {name: WEIGHTS[name] for name in own} | {
        metric.name: _METRIC_WEIGHT if metric.compare != "limit" else 0.0 for metric in judge.metrics
    }
    dry = {*judge.dry_run, *(metric.name for metric in judge.metrics if metric.dry_run)}
    total = sum(weight for name, weight in weights.items() if name not in dry) or 1.0
    part = {name: judge.alpha * weight / total for name, weight in weights.items()}
    named = [Rule(name, part[name], name in judge.required, name in dry) for name in own]
    metrics = [Rule(each.name, part[each.name], each.required, each.name in dry, each) for each in judge.metrics]
    return (*named, *metrics)
