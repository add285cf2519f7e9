"""No part of the rows collapses: refused on evidence only, so that noise in a thin slice stops nobody.

A declared slice refuses when its whole interval lies beyond the allowed drop below the whole (metrics between 0 and 1
only: errors in the label's unit differ from part to part with how hard the part is), or when its whole paired interval
shows a loss to the champion beyond the allowed one. A slice that was found by looking has a corrected p-value, for
being worse than elsewhere relative to another model. That alone is no collapse: the part may be hard for everybody.
It refuses when, besides, the whole paired interval shows the loss to the champion, or the whole interval of a ranking
metric lies below chance.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.contracts import Gate
from trimtab.evaluation.directions import METRICS
from trimtab.evaluation.gates.reading import Estimate, Outcome, Report, at, estimate, interval, number
from trimtab.spec import EvaluationSpec
from trimtab.spec.gates import SliceRule

RANKING = frozenset({"auc", "auc_macro"})
CHANCE = 0.5


@dataclass(frozen=True)
class Part:
    """One slice with its drop below the whole, as a share of the whole's value (as it is where that is 0)."""

    name: str
    n: int
    drop: Estimate
    collapsed: str
    """Why it counts as collapsed, empty when it does not."""


def slice_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """One gate for the declared slices, one for those found."""
    rule = rules.gates.slices
    if rule.max_drop is None:
        return
    parts = {is_declared: list(_parts(report, rules, is_declared)) for is_declared in (True, False)}
    if rules.slices:
        yield _gate("slices", parts[True], rule) if parts[True] else _nothing()
    if parts[False]:
        yield _gate("slices found", parts[False], rule)


def _nothing() -> Gate:
    return Gate(name="slices", outcome="not_judged", message="no declared slice has enough rows to be measured")


def _parts(report: Report, rules: EvaluationSpec, is_declared: bool) -> Iterator[Part]:
    whole = number(at(report, "metrics", "candidate", rules.primary))
    for found in report.get("slices") or ():
        if bool(found.get("declared", True)) is is_declared and whole is not None:
            drop = _drop(found, rules.primary, whole)
            if drop is not None:
                why = (_declared if is_declared else _found)(found, drop, rules)
                yield Part(str(found.get("name")), int(number(found.get("n")) or 0), drop, why)


def _drop(found: Mapping[str, Any], primary: str, whole: float) -> Estimate | None:
    value, ends = number(at(found, "metrics", primary)), interval(found.get("interval"))
    if value is None:
        return None
    scale = (1 if METRICS[primary].higher_is_better else -1) / (abs(whole) or 1.0)
    turned = sorted(scale * (whole - end) for end in ends or (value, value))
    return Estimate(scale * (whole - value), turned[0], turned[1])


def _declared(found: Mapping[str, Any], drop: Estimate, rules: EvaluationSpec) -> str:
    limit, metric = rules.gates.slices.max_drop, METRICS[rules.primary]
    is_share = (metric.low, metric.high) == (0.0, 1.0)
    if is_share and limit is not None and found.get("interval") and drop.lo > limit:
        return f"{drop.value:.0%} [{drop.lo:.0%}, {drop.hi:.0%}] worse than the whole"
    return _loss(found, rules)


def _loss(found: Mapping[str, Any], rules: EvaluationSpec) -> str:
    """A proven loss to the champion beyond the limit, in words."""
    limit = rules.gates.slices.max_loss_to_champion
    lost, champion = estimate(found.get("difference")), number(found.get("champion"))
    if lost is None or champion is None or limit is None:
        return ""
    sign = 1 if METRICS[rules.primary].higher_is_better else -1
    least = min(-sign * lost.lo, -sign * lost.hi) / (abs(champion) or 1.0)
    return f"at least {least:.0%} worse than the champion there" if least > limit else ""


def _found(found: Mapping[str, Any], drop: Estimate, rules: EvaluationSpec) -> str:
    p, ends = number(found.get("p_adjusted")), interval(found.get("interval"))
    if p is None or p >= rules.gates.slices.alpha:
        return ""
    is_reversed = rules.primary in RANKING and ends is not None and ends[1] < CHANCE
    why = "its order is worse than chance" if is_reversed else _loss(found, rules)
    return f"{why}, corrected p {p:.4f}" if why else ""


def _gate(name: str, parts: list[Part], rule: SliceRule) -> Gate:
    fallen = [part for part in parts if part.collapsed]
    worst = max(fallen or parts, key=lambda part: part.drop.value)
    outcome: Outcome = "refuse" if fallen else "pass"
    said = "; ".join(f"{part.name} ({part.n:,} rows): {part.collapsed}" for part in fallen)
    calm = (
        f"none of {len(parts)} slices has collapsed; worst is {worst.name}, {worst.drop.value:.0%} worse than the whole"
    )
    return Gate(
        name=name,
        outcome=outcome,
        value=worst.drop.value,
        interval=worst.drop.ends,
        limit=rule.max_drop,
        n=worst.n,
        message=(said or calm)[:500],
    )
