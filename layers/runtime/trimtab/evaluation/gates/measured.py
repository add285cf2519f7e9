"""Gates on the candidate's own figures: enough rows, numbers in their range, the spec's limits.

A limit on a metric is asked of the estimate (its effect); the interval stands beside it.
"""

from collections.abc import Iterator

from trimtab.contracts import Gate
from trimtab.evaluation.directions import METRICS, names_of
from trimtab.evaluation.gates.reading import Outcome, Report, at, interval, number
from trimtab.spec import EvaluationSpec

MIN_PER_CLASS = 20
"""With fewer rows of a class, neither a metric nor its interval says anything."""
MAY_BE_UNDEFINED = frozenset({"mape"})
"""Metrics that labels alone can leave without a value: a percentage of a label that is 0."""


def evidence_gate(report: Report, rules: EvaluationSpec) -> Gate:
    """Enough hold-out rows, and enough of each class."""
    n, counts = int(number(report.get("n")) or 0), class_counts(report)
    enough = n >= rules.min_rows and min(counts.values(), default=MIN_PER_CLASS) >= MIN_PER_CLASS
    enough &= len(counts) != 1
    message = f"{n:,} hold-out rows" + "".join(f", {count:,} of class {name}" for name, count in counts.items())
    if not enough:
        each = f" and {MIN_PER_CLASS} of each class" if counts else ""
        message += f"; it takes {rules.min_rows:,} rows{each} to judge"
    outcome: Outcome = "pass" if enough else "not_judged"
    return Gate(name="evidence", outcome=outcome, value=n, limit=rules.min_rows, n=n, message=message[:500])


def class_counts(report: Report) -> dict[str, int]:
    """Rows of each class; of 1 and 0 for a binary report without counts, of none for a regression."""
    if report.get("problem") == "regression":
        return {}
    counts = report.get("class_counts")
    if isinstance(counts, dict):
        return {str(name): int(number(count) or 0) for name, count in counts.items()}
    n, positives = int(number(report.get("n")) or 0), int(number(report.get("positives")) or 0)
    return {"0": n - positives, "1": positives}


def finite_gate(report: Report) -> Gate:
    """Every metric of the candidate is a number in its range."""
    metrics, n = at(report, "metrics", "candidate") or {}, report.get("n")
    wrong = [name for name in names_of(str(report.get("problem"))) if not _is_sound(name, metrics.get(name))]
    if wrong:
        message = f"not a number in its range: {', '.join(f'{name} ({metrics.get(name)})' for name in wrong)}"
        return Gate(name="finite", outcome="refuse", message=message[:500], n=n)
    return Gate(name="finite", outcome="pass", message="all metrics are numbers in their range", n=n)


def _is_sound(name: str, value: object) -> bool:
    found = number(value)
    if found is None:
        return value is None and name in MAY_BE_UNDEFINED
    return METRICS[name].holds(found)


def threshold_gates(report: Report, rules: EvaluationSpec) -> Iterator[Gate]:
    """The limits that the spec sets on single metrics."""
    for metric, rule in rules.metrics.items():
        for bound, limit in (("min", rule.min), ("max", rule.max)):
            if limit is not None:
                yield threshold_gate(report, metric, bound, limit)


def threshold_gate(report: Report, metric: str, bound: str, limit: float) -> Gate:
    """The metric's value keeps one limit, ``bound`` being min or max."""
    value, name = number(at(report, "metrics", "candidate", metric)), f"{metric} {bound}"
    if value is None:
        return Gate(name=name, outcome="refuse", limit=limit, message=f"{metric} was not measured")
    kept = value >= limit if bound == "min" else value <= limit
    sign = "at least" if bound == "min" else "at most"
    return Gate(
        name=name,
        outcome="pass" if kept else "refuse",
        value=value,
        interval=interval(at(report, "intervals", "candidate", metric)),
        limit=limit,
        n=report.get("n"),
        message=f"{metric} {value:.4f}, must be {sign} {limit:g}",
    )
