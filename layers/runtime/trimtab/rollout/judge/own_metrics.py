"""Metrics of the spec's own choice: what the service earns, or how its machines are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from trimtab.rollout.judge.checking import Case, Rule
from trimtab.rollout.judge.evidence import FleetEvidence, Minutes
from trimtab.rollout.judge.minutes import middle, paired
from trimtab.rollout.judge.sequential import e_value, log_e_positive, log_mixed
from trimtab.rollout.judge.verdict import Check
from trimtab.spec.judging import JudgedMetric

_NOTHING = FleetEvidence()


def check_metric(case: Case, rule: Rule) -> Check | None:
    """Fails when the metric of the rule has changed for the worse by more than its limit, and it is no accident.

    A limit of its own is no comparison: then the newest minutes decide, and a leak shows as soon as it is over.

    Minutes are the witnesses, as for latency. What is compared with the hour before, or with a limit, must have no
    trend of its own and minutes that hardly depend on each other: the judge cannot know of a campaign that began at the
    same time. None where there is no old fleet to be compared with.
    """
    metric = rule.metric
    if metric is None or (metric.compare == "old" and case.evidence.old is None):
        return None
    if metric.compare == "limit":
        return _check_limit(case, rule, metric)
    return _Change(metric, *_compared(case, metric)).check(rule)


def _check_limit(case: Case, rule: Rule, metric: JudgedMetric) -> Check:
    """Fails when the middle one of the newest ``min_minutes`` values is beyond the limit."""
    found = case.evidence.new.metrics.get(metric.name, {})
    newest = [found[minute] for minute in case.span.within(found)][-metric.min_minutes :]
    figures: dict[str, Any] = {"compare": "limit", "direction": metric.direction, "limit": metric.limit}
    if len(newest) < metric.min_minutes:
        said = f"{len(newest)} minutes with {metric.metric}: {metric.min_minutes} are needed"
        return rule.check("inconclusive", said, n_new=len(newest), **figures)
    value = median(newest)
    figures |= {"value": value, "interval": (min(newest), max(newest)), "unit": "value", "n_new": len(newest)}
    said = f"{metric.metric} is {value:.4g} in the last {len(newest)} minutes"
    if value > metric.limit if metric.direction == "higher" else value < metric.limit:
        return rule.check("fail", f"{said}: beyond the limit of {metric.limit:g}", **figures)
    return rule.check("pass", f"{said}: within the limit of {metric.limit:g}", **figures)


def _compared(case: Case, metric: JudgedMetric) -> tuple[list[tuple[float, float]], int]:
    """(value, what it is compared with) of each judged minute, and of how many minutes the latter was made."""
    new: Minutes = case.evidence.new.metrics.get(metric.name, {})
    if metric.compare == "old":
        found = paired(case.span, new, (case.evidence.old or _NOTHING).metrics.get(metric.name, {}))
        return found, len(found)
    then = case.evidence.before.get(metric.name, {})
    if not then:
        return [], 0
    usual = median(then.values())
    return [(new[minute], usual) for minute in case.span.within(new)], len(then)


_EVIDENCE: dict[str, Callable[[Sequence[float]], float]] = {
    "higher": log_e_positive,
    "lower": lambda changes: log_e_positive([-change for change in changes]),
    "both": lambda changes: log_mixed(
        [(0.5, log_e_positive(changes)), (0.5, log_e_positive([-change for change in changes]))]
    ),
}


@dataclass(frozen=True)
class _Change:
    """How the metric has moved."""

    metric: JudgedMetric
    pairs: list[tuple[float, float]]
    n_old: int

    def check(self, rule: Rule) -> Check:
        metric = self.metric
        figures: dict[str, Any] = {"compare": metric.compare, "direction": metric.direction, "limit": metric.limit}
        few = len(self.pairs) < metric.min_minutes or (metric.compare == "before" and self.n_old < metric.min_minutes)
        if not self.pairs:
            return rule.check("inconclusive", f"no minute with {metric.metric} to compare", **figures)
        changes = [value - base for value, base in self.pairs]
        evidence = e_value(_EVIDENCE[metric.direction](changes))
        value, interval = self._measured(changes)
        figures |= {
            "value": value,
            "interval": interval,
            "unit": "change, as a share",
            "n_new": len(self.pairs),
            "n_old": self.n_old,
            "e_value": evidence,
        }
        said = f"{metric.metric} is {self._worded(value)} in {len(self.pairs)} minutes"
        if few:
            return rule.check("inconclusive", f"{said}: {metric.min_minutes} are needed", **figures)
        if self._is_worse(value) and evidence >= 1 / rule.alpha:
            return rule.check("fail", f"{said}: beyond the limit of {metric.limit:g}, and no accident", **figures)
        return rule.check("pass", f"{said}: no evidence that it is beyond {metric.limit:g}", **figures)

    def _measured(self, changes: Sequence[float]) -> tuple[float, tuple[float, float]]:
        """The typical change as a share of what it is compared with, and its interval."""
        shift, (low, high) = middle(changes)
        base = abs(median(base for _, base in self.pairs)) or 1e-12
        return shift / base, (low / base, high / base)

    def _is_worse(self, value: float) -> bool:
        return {"higher": value, "lower": -value, "both": abs(value)}[self.metric.direction] > self.metric.limit

    def _worded(self, value: float) -> str:
        return f"{value:+.1%} against {'the old fleet' if self.metric.compare == 'old' else 'the hour before'}"
