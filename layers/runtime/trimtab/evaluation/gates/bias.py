"""Bias gates: refused on evidence, passed on effect, and only judged where the rows can tell.

A pair of groups refuses when its whole interval lies beyond the limit. It passes when the estimate keeps the limit and
the interval is narrow enough for two equal groups to be told from two at the limit. An estimate beyond the limit that
may be chance is not judged. A pair whose estimate keeps the limit and whose interval is too wide to tell is named and
left out, like a group with too few rows; when no pair is left, nothing was judged.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.contracts import Gate
from trimtab.evaluation.gates.reading import Estimate, Outcome, Report, at, number
from trimtab.spec.gates import AcceptedRisk, BiasRule, Parity

Finding = Literal["vague", "pass", "not_judged", "refuse"]
RANK: tuple[Finding, ...] = ("vague", "pass", "not_judged", "refuse")
COMPARED: dict[Parity, tuple[str, ...]] = {
    "four_fifths": ("ratio",),
    "demographic_parity": ("selection_rate",),
    "equal_opportunity": ("tpr",),
    "equalised_odds": ("tpr", "fpr"),
}
WORDS = {
    "ratio": "share of favourable decisions, as a ratio,",
    "selection_rate": "share of favourable decisions",
    "tpr": "share found among favourable outcomes",
    "fpr": "share found among other outcomes",
}


@dataclass(frozen=True)
class Disparity:
    """One pair of groups, as a distance from parity that is never negative."""

    group: str
    compared: str
    measured: Estimate
    n: int
    finding: Finding
    distance: float


def bias_gates(report: Report, rule: BiasRule, protected: tuple[str, ...]) -> Iterator[Gate]:
    """Each measure with a limit, for each attribute."""
    limits = {measure: getattr(rule, measure) for measure in COMPARED}
    for attribute in protected:
        found = at(report, "bias", attribute)
        for measure, limit in limits.items():
            if limit is not None:
                yield _accepted(_gate(found, attribute, measure, limit), rule, attribute, measure)


def _gate(found: Any, attribute: str, measure: Parity, limit: float) -> Gate:
    name = f"bias {attribute} {measure}"
    problem = at(found, "problem") if isinstance(found, Mapping) else "the attribute was not measured"
    pairs = [] if problem else list(_disparities(found, measure, limit))
    if not pairs:
        why = problem or f"too few rows of either outcome to compare groups{_thin(found, [])}"
        return Gate(name=name, outcome="not_judged", limit=limit, message=f"{attribute}: {why}"[:500])
    worst = max(pairs, key=lambda pair: (RANK.index(pair.finding), pair.distance))
    outcome: Outcome = "not_judged" if worst.finding == "vague" else worst.finding
    vague = [pair.group for pair in pairs if pair.finding == "vague"]
    return Gate(
        name=name,
        outcome=outcome,
        value=number(worst.measured.value),
        interval=worst.measured.ends,
        limit=limit,
        n=worst.n,
        message=(_message(worst, attribute, found, limit) + _thin(found, vague))[:500],
    )


def _disparities(found: Mapping[str, Any], measure: Parity, limit: float) -> Iterator[Disparity]:
    for pair in found.get("pairs") or ():
        if pair.get("compared") in COMPARED[measure]:
            lo, hi, value = (number(pair.get(key)) for key in ("lo", "hi", "value"))
            if lo is None or hi is None:
                continue
            measured = Estimate(math.nan if value is None else value, lo, hi)
            finding, distance = decide(measured, limit, as_ratio=measure == "four_fifths")
            n = int(number(pair.get("n")) or 0)
            yield Disparity(str(pair["group"]), str(pair["compared"]), measured, n, finding, distance)


def decide(measured: Estimate, limit: float, *, as_ratio: bool) -> tuple[Finding, float]:
    """Finding on one pair and its distance from parity; a ratio is measured on the log scale, either way round."""
    turn: Callable[[float], float] = _log if as_ratio else float
    allowed = -math.log(limit) if as_ratio else limit
    low, high = turn(measured.lo), turn(measured.hi)
    known = math.isfinite(measured.value) and (not as_ratio or measured.value > 0)
    value = abs(turn(measured.value)) if known else math.inf
    distance = min(value, max(abs(low), abs(high)))
    if max(low, -high, 0.0) > allowed:
        return "refuse", distance
    if value > allowed:
        return "not_judged", distance
    return ("pass" if (high - low) / 2 <= allowed else "vague"), distance


def _log(value: float) -> float:
    return math.log(max(value, 1e-12))


def _message(worst: Disparity, attribute: str, found: Mapping[str, Any], limit: float) -> str:
    measured = worst.measured
    sign = "at least" if worst.compared == "ratio" else "at most"
    ends = f"[{measured.lo:.3f}, {measured.hi:.3f}]"
    said = (
        f"{attribute}: {WORDS[worst.compared]} of group {worst.group} against {found.get('reference')} "
        f"{measured.value:.3f} {ends}, {sign} {limit:g} either way round"
    )
    return said + ("; the rows cannot tell" if worst.finding in ("not_judged", "vague") else "")


def _thin(found: Any, vague: list[str]) -> str:
    thin = dict.fromkeys(map(str, [*(at(found, "thin") or []), *vague]))
    return f"; too few rows to judge: {', '.join(thin)}" if thin else ""


def _accepted(gate: Gate, rule: BiasRule, attribute: str, measure: Parity) -> Gate:
    """A finding that the spec accepts passes, with the reason that was given for it.

    Where no two groups could be compared nothing was found, and nobody can have accepted it.
    """
    risk = _risk(rule, attribute, measure)
    if gate.outcome == "pass" or risk is None:
        return gate
    if gate.interval is None:
        said = f"{gate.message}; the accepted risk is for a finding, and nothing was measured"[:500]
        return gate.model_copy(update={"message": said})
    said = f"accepted risk ({risk.reason}); found: {gate.message}"[:500]
    return gate.model_copy(update={"outcome": "pass", "accepted_risk": risk.reason, "message": said})


def _risk(rule: BiasRule, attribute: str, measure: Parity) -> AcceptedRisk | None:
    fitting = (r for r in rule.accepted_risks if r.attribute == attribute and r.measure in (None, measure))
    return next(fitting, None)
