"""Latency: a rank test in every minute, and minutes taken together by bets.

Requests of one minute share their machine's mood (load, a pause, a neighbour), so thousands of them are not thousands
of witnesses. The witness is the minute: is a request to the new fleet more likely than not the slower one, and by how
much? Within a minute requests may depend on each other as they like.
"""

import math
from dataclasses import dataclass
from statistics import median

from trimtab.rollout.judge.checking import Case, Rule
from trimtab.rollout.judge.evidence import FleetEvidence, Latency
from trimtab.rollout.judge.minutes import Span, middle, pooled, slowdown
from trimtab.rollout.judge.sequential import e_value, log_e_positive
from trimtab.rollout.judge.verdict import Check

LEAST_MINUTES = 3
Pair = tuple[Latency, Latency]


def check_latency(case: Case, rule: Rule) -> Check | None:
    """Fails when a typical request is slower than the spec allows, and it is no accident. None without an old fleet.

    Where both fleets are never asked in the same minutes, the old one's hour before must do, if it was asked in it.
    """
    old = case.evidence.old
    if old is None:
        return None
    if case.evidence.side_by_side:
        return _Slowdown(_same_minutes(case.span, case.evidence.new, old), "old").check(case, rule)
    then = [latency for minute, latency in old.latency.items() if minute < case.span.since]
    if sum(latency.requests for latency in then) < case.rollout.judge.min_points:
        return None
    return _Slowdown(_with_before(case, pooled(then)), "before").check(case, rule)


def _same_minutes(span: Span, new: FleetEvidence, old: FleetEvidence) -> list[Pair]:
    minutes = [minute for minute in span.within(new.latency) if minute in old.latency]
    return [(new.latency[minute], old.latency[minute]) for minute in minutes]


def _with_before(case: Case, then: Latency) -> list[Pair]:
    """Each minute of the new fleet with all of the old one's hour before: weaker, for the hours may differ."""
    new = case.evidence.new.latency
    return [(new[minute], then) for minute in case.span.within(new)]


@dataclass(frozen=True)
class _Slowdown:
    pairs: list[Pair]
    compare: str

    def check(self, case: Case, rule: Rule) -> Check:
        judge, points = case.rollout.judge, self._points()
        enough = min(points) >= judge.min_points and len(self.pairs) >= LEAST_MINUTES
        if not self.pairs:
            return rule.check("inconclusive", "no minute in which both fleets answered", compare=self.compare)
        shifts = [slowdown(new, old) for new, old in self.pairs]
        shift, (low, high) = middle(shifts)
        evidence, base_ms = e_value(log_e_positive(shifts)), median(old.typical_ms for _, old in self.pairs)
        figures = {
            "compare": self.compare,
            "value": math.expm1(shift),
            "interval": (math.expm1(low), math.expm1(high)),
            "limit": judge.max_slowdown,
            "unit": "slower, as a share",
            "n_new": points[0],
            "n_old": points[1],
            "e_value": evidence,
        }
        said = f"a typical request takes {base_ms:.1f} ms {math.expm1(shift):+.1%}, in {len(shifts)} minutes"
        if not enough:
            needed = f"{judge.min_points} requests of each fleet in {LEAST_MINUTES} minutes are needed"
            return rule.check("inconclusive", f"{said}: {needed}", **figures)
        too_slow = math.expm1(shift) > judge.max_slowdown and math.expm1(shift) * base_ms >= judge.min_slowdown_ms
        if too_slow and evidence >= 1 / rule.alpha:
            return rule.check("fail", f"{said}: slower by more than {judge.max_slowdown:.0%}, no accident", **figures)
        return rule.check("pass", f"{said}: no evidence of more than {judge.max_slowdown:.0%}", **figures)

    def _points(self) -> tuple[int, int]:
        return sum(new.requests for new, _ in self.pairs), sum(old.requests for _, old in self.pairs)
