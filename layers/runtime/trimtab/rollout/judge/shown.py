"""A look at a rollout as CloudWatch's metrics, for dashboards."""

from typing import Final

from trimtab.ports import MetricsSink
from trimtab.rollout.judge.verdict import Check, Judgement
from trimtab.telemetry import RULE_DIMENSION, Metric

_VERDICTS: Final = {"pass": 1.0, "inconclusive": 0.0, "fail": -1.0}
_MOST: Final = 10.0
"""Evidence beyond this says nothing more, and would flatten the chart."""


def show(judgement: Judgement, percent: float, metrics: MetricsSink) -> None:
    """The new version's share of the requests, the verdict, and each rule's evidence are emitted."""
    metrics.put(Metric.ROLLOUT_SHARE, percent)
    metrics.put(Metric.ROLLOUT_VERDICT, _VERDICTS[judgement.outcome])
    for check in judgement.checks:
        against = evidence(check)
        if against is not None:
            metrics.put(Metric.ROLLOUT_EVIDENCE, against, **{RULE_DIMENSION: check.rule})


def evidence(check: Check) -> float | None:
    """How much of the evidence that fails the rule there is, 0 to 10; None where too little was seen."""
    if check.e_value is not None:
        return min(_MOST, check.e_value * check.alpha)
    if check.p_value is not None:
        return min(_MOST, check.alpha / max(check.p_value, 1e-12))
    return None
