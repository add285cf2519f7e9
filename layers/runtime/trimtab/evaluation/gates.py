"""The policy by which a candidate may be offered for approval, or not. Needs only Python itself.

Each gate ends in one of three ways: pass, refuse, or not_judged when there is too little evidence. Only a candidate
that passes them all is registered. A number that is missing or not finite never passes: comparisons with NaN are
false both ways, so every gate first asks for a number.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from trimtab.contracts import Gate, Judgement
from trimtab.errors import DataError
from trimtab.evaluation.directions import HIGHER_IS_BETTER
from trimtab.spec import EvaluationSpec

Outcome = Literal["pass", "refuse", "not_judged"]
Report = Mapping[str, Any]
MIN_PER_CLASS = 20
"""With fewer rows of a class, neither a metric nor its interval says anything."""
RANGES = {"log_loss": (0.0, math.inf)}
UNIT = (0.0, 1.0)


def read_report(body: bytes) -> dict[str, Any]:
    """evaluation.json as strict JSON. Raises DataError for NaN, Infinity or anything that is no report."""
    try:
        report = json.loads(body, parse_constant=_no_constant)
    except ValueError as error:
        raise DataError(f"evaluation.json is not valid JSON: {error}") from error
    if not isinstance(report, dict) or report.get("schema") != 1:
        raise DataError("evaluation.json is not a report of schema 1")
    return report


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def judge(report: Report, rules: EvaluationSpec, evaluation_uri: str) -> Judgement:
    """Every gate's outcome, and the outcome of all."""
    gates = tuple(_gates(report, rules))
    outcome = overall(gate.outcome for gate in gates)
    return Judgement(passed=outcome == "pass", outcome=outcome, gates=gates, evaluation_uri=evaluation_uri)


def overall(outcomes: Iterable[Outcome]) -> Outcome:
    """refuse when any gate refuses, else not_judged when any was not judged, else pass."""
    found = set(outcomes)
    if "refuse" in found:
        return "refuse"
    return "pass" if found == {"pass"} else "not_judged"


def _gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    yield evidence_gate(report, rules)
    yield finite_gate(report)
    yield from threshold_gates(report, rules)
    yield baseline_gate(report, rules)
    yield champion_gate(report, rules)
    yield size_gate(report, rules)


def evidence_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """Enough hold-out rows, and enough of either class."""
    n, positives = int(report.get("n") or 0), int(report.get("positives") or 0)
    fewest = min(positives, n - positives)
    enough = n >= rules.min_rows and fewest >= MIN_PER_CLASS
    message = f"{n:,} hold-out rows, {positives:,} of them positive"
    if not enough:
        message += f"; it takes {rules.min_rows:,} rows and {MIN_PER_CLASS} of each class to judge"
    outcome: Outcome = "pass" if enough else "not_judged"
    return Gate(name="evidence", outcome=outcome, value=n, limit=rules.min_rows, n=n, message=message)


def finite_gate(report: Report) -> Gate:
    """Every metric of the candidate is a number in its range."""
    metrics = _at(report, "metrics", "candidate") or {}
    wrong = [name for name in HIGHER_IS_BETTER if not _in_range(name, metrics.get(name))]
    if wrong:
        message = f"not a number in its range: {', '.join(f'{name} ({metrics.get(name)})' for name in wrong)}"
        return Gate(name="finite", outcome="refuse", message=message, n=report.get("n"))
    return Gate(name="finite", outcome="pass", message="all metrics are numbers in their range", n=report.get("n"))


def threshold_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """The limits that the spec sets on single metrics."""
    for metric, rule in rules.metrics.items():
        for bound, limit, higher in (("min", rule.min, True), ("max", rule.max, False)):
            if limit is not None:
                yield threshold_gate(report, metric, bound, limit, higher=higher)


def threshold_gate(report: Report, metric: str, bound: str, limit: float, *, higher: bool) -> Gate:
    """The metric's value keeps one limit."""
    value, name = number(_at(report, "metrics", "candidate", metric)), f"{metric} {bound}"
    if value is None:
        return Gate(name=name, outcome="refuse", limit=limit, message=f"{metric} was not measured")
    kept = value >= limit if higher else value <= limit
    sign = "at least" if higher else "at most"
    return Gate(
        name=name,
        outcome="pass" if kept else "refuse",
        value=value,
        interval=_interval(_at(report, "intervals", "candidate", metric)),
        limit=limit,
        n=report.get("n"),
        message=f"{metric} {value:.4f}, must be {sign} {limit:g}",
    )


def baseline_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """Better than the simple baseline, with the whole interval of the paired difference."""
    paired = _at(report, "paired", "baseline", rules.primary)
    return _paired_gate("baseline", f"the {rules.baseline} baseline", paired, rules.primary, 0.0, report.get("n"))


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
    paired = _at(report, "paired", "champion", rules.primary)
    return _paired_gate("champion", "the champion", paired, rules.primary, limit, n)


def _paired_gate(name: str, other: str, paired: Any, metric: str, limit: float, n: int | None) -> Gate:
    """The lower end of the advantage over ``other`` exceeds ``limit`` (is not below it, for a negative one)."""
    value, low, high = advantage(paired, higher=HIGHER_IS_BETTER.get(metric, True))
    if value is None or low is None or high is None:
        message = f"the difference of {metric} to {other} was not measured"
        return Gate(name=name, outcome="refuse", limit=limit, n=n, message=message)
    passed = low > limit if limit >= 0 else low >= limit
    asked = f"must exceed {limit:g}" if limit >= 0 else f"must not fall below {limit:g}"
    return Gate(
        name=name,
        outcome="pass" if passed else "refuse",
        value=value,
        interval=(low, high),
        limit=limit,
        n=n,
        message=f"{metric} better than {other} by {value:+.4f} [{low:+.4f}, {high:+.4f}]; the lower end {asked}",
    )


def advantage(paired: Any, *, higher: bool) -> tuple[float | None, float | None, float | None]:
    """Difference and interval turned so that more is better."""
    values = [number(paired.get(key)) if isinstance(paired, Mapping) else None for key in ("difference", "lo", "hi")]
    if higher or None in values:
        return values[0], values[1], values[2]
    value, low, high = (-float(v) for v in values if v is not None)
    return value, high, low


def size_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """The archive is not larger than the spec allows."""
    size = number(report.get("size_bytes"))
    if size is None:
        return Gate(name="size", outcome="refuse", limit=rules.max_size_mb, message="the size was not measured")
    megabytes = size / 1e6
    outcome: Outcome = "pass" if megabytes <= rules.max_size_mb else "refuse"
    message = f"model.tar.gz has {megabytes:.2f} MB, at most {rules.max_size_mb:g} MB are allowed"
    return Gate(name="size", outcome=outcome, value=megabytes, limit=rules.max_size_mb, message=message)


def number(value: Any) -> float | None:
    """``value`` when it is a finite number, else None: text that looks like one does not count."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _in_range(name: str, value: Any) -> bool:
    found = number(value)
    low, high = RANGES.get(name, UNIT)
    return found is not None and low <= found <= high


def _interval(value: Any) -> tuple[float, float] | None:
    ends = [number(end) for end in value] if isinstance(value, list) and len(value) == 2 else []
    return (ends[0], ends[1]) if len(ends) == 2 and ends[0] is not None and ends[1] is not None else None


def _at(report: Any, *keys: str) -> Any:
    for key in keys:
        report = report.get(key) if isinstance(report, Mapping) else None
    return report
