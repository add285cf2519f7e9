"""No part of the rows collapses: refused on evidence only, so that noise in a thin slice stops nobody.

A declared slice refuses when its whole interval lies beyond the allowed drop below the whole, or when its whole paired
interval shows a loss to the champion beyond the allowed one. A slice that was found by looking refuses when its drop
is beyond the limit and its corrected p-value is below alpha: whoever looks at many cells finds a bad one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.contracts import Gate
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.evaluation.gates.reading import Estimate, Outcome, Report, at, estimate, interval, number
from trimtab.spec import EvaluationSpec
from trimtab.spec.gates import SliceRule


@dataclass(frozen=True)
class Part:
    """One slice with its drop below the whole, as a share of the whole's value; more is worse."""

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
    sign = 1 if HIGHER_IS_BETTER.get(rules.primary, True) else -1
    for found in report.get("slices") or ():
        if bool(found.get("declared", True)) is is_declared and whole:
            drop = _drop(found, rules.primary, whole, sign)
            if drop is not None:
                why = (
                    _declared(found, drop, rules.gates.slices, sign) if is_declared else _looked_for(found, drop, rules)
                )
                yield Part(str(found.get("name")), int(number(found.get("n")) or 0), drop, why)


def _drop(found: Mapping[str, Any], primary: str, whole: float, sign: int) -> Estimate | None:
    value, ends = number(at(found, "metrics", primary)), interval(found.get("interval"))
    if value is None:
        return None
    low, high = ends or (value, value)
    turned = sorted(sign * (whole - end) / abs(whole) for end in (low, high))
    return Estimate(sign * (whole - value) / abs(whole), turned[0], turned[1])


def _declared(found: Mapping[str, Any], drop: Estimate, rule: SliceRule, sign: int) -> str:
    if found.get("interval") and rule.max_drop is not None and drop.lo > rule.max_drop:
        return f"{drop.value:.0%} [{drop.lo:.0%}, {drop.hi:.0%}] worse than the whole"
    lost, champion = estimate(found.get("difference")), number(found.get("champion"))
    if lost is None or not champion or rule.max_loss_to_champion is None:
        return ""
    least = min(-sign * lost.lo, -sign * lost.hi) / abs(champion)
    return f"at least {least:.0%} worse than the champion there" if least > rule.max_loss_to_champion else ""


def _looked_for(found: Mapping[str, Any], drop: Estimate, rules: EvaluationSpec) -> str:
    rule, p = rules.gates.slices, number(found.get("p_adjusted"))
    if rule.max_drop is None or p is None or p >= rule.alpha or drop.value <= rule.max_drop:
        return ""
    return f"{drop.value:.0%} worse than the whole, corrected p {p:.4f}"


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
