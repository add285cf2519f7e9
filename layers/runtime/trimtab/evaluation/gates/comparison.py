"""Gates that ask for evidence of being better: the lower end of the paired interval decides, not the estimate."""

from typing import Any

from trimtab.contracts import Gate
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.gates.reading import Estimate, Report, at, estimate
from trimtab.spec import EvaluationSpec


def baseline_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """Better than the simple baseline, with the whole interval of the paired difference."""
    name = at(report, "baseline", "name") or rules.baseline
    paired = at(report, "paired", "baseline", rules.primary)
    return _paired_gate("baseline", f"the {name} baseline", paired, rules.primary, 0.0, report.get("n"))


def champion_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """Superior to the champion by the margin, or at least not inferior by more than it, as the spec asks."""
    found = report.get("champion") or {}
    if not found.get("present"):
        return Gate(name="champion", outcome="pass", message="there is no champion to beat yet")
    if found.get("error"):
        message = f"the champion cannot score these rows: {found['error']}"[:500]
        return Gate(name="champion", outcome="not_judged", message=message)
    n = int(found.get("rows") or 0)
    if n < rules.min_rows:
        message = f"only {n:,} hold-out rows that the champion has not learned from, {rules.min_rows:,} are needed"
        return Gate(name="champion", outcome="not_judged", n=n, message=message)
    limit = rules.champion.margin if rules.champion.rule == "superior" else -rules.champion.margin
    paired = at(report, "paired", "champion", rules.primary)
    return _paired_gate("champion", "the champion", paired, rules.primary, limit, n)


def _paired_gate(name: str, other: str, paired: Any, metric: str, limit: float, n: int | None) -> Gate:
    """The lower end of the advantage over ``other`` exceeds ``limit`` (is not below it, for a negative one)."""
    found = advantage(paired, higher=HIGHER_IS_BETTER.get(metric, True))
    if found is None:
        message = f"the difference of {metric} to {other} was not measured"
        return Gate(name=name, outcome="refuse", limit=limit, n=n, message=message)
    passed = found.lo > limit if limit >= 0 else found.lo >= limit
    asked = f"must exceed {limit:g}" if limit >= 0 else f"must not fall below {limit:g}"
    ends = f"[{found.lo:+.4f}, {found.hi:+.4f}]"
    return Gate(
        name=name,
        outcome="pass" if passed else "refuse",
        value=found.value,
        interval=found.ends,
        limit=limit,
        n=n,
        message=f"{metric} better than {other} by {found.value:+.4f} {ends}; the lower end {asked}",
    )


def advantage(paired: Any, *, higher: bool) -> Estimate | None:
    """Difference and interval turned so that more is better."""
    found = estimate(paired, "difference")
    if found is None or higher:
        return found
    return Estimate(-found.value, -found.hi, -found.lo)
