"""The alarms on what is measured in production: one for each kind that the spec has a limit for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.alarm_limits import (
    ABOVE,
    BELOW,
    FIVE_MINUTES,
    KEEP,
    REACHED,
    Limit,
    described,
    make_alarm,
    model_metric,
)
from trimtab.spec import Spec
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import WATCHES, Metric


@dataclass(frozen=True)
class Rule:
    """How a kind rings. ``limit`` answers None for a spec that watches nothing of the kind."""

    what: str
    runbook: str
    limit: Callable[[Spec], float | None]
    statistic: str = "Maximum"
    comparison: cloudwatch.ComparisonOperator = ABOVE


def _slice_limit(spec: Spec) -> float | None:
    """Of the primary metric: quality's own limit holds only where quality is measured by that metric."""
    watch, quality = spec.monitoring.slices, spec.monitoring.quality
    if not spec.evaluation.slices:
        return None
    return watch.max_drop or (quality.max_drop if quality.metric == spec.evaluation.primary else None)


RULES: Mapping[AlarmKind, Rule] = {
    "drift": Rule("columns have drifted", "drift-and-quality", lambda spec: spec.monitoring.psi_limit),
    "prediction": Rule("scores have drifted", "drift-and-quality", lambda spec: spec.monitoring.prediction_psi_limit),
    "quality": Rule(
        "measured performance has fallen", "drift-and-quality", lambda spec: spec.monitoring.quality.max_drop
    ),
    "schema": Rule("columns are broken, not moved", "schema", lambda spec: 0.0),
    "estimate": Rule(
        "performance has fallen by an estimate without truth",
        "performance",
        lambda spec: spec.monitoring.estimate.max_drop or spec.monitoring.quality.max_drop,
    ),
    "slice": Rule("one slice has fallen further than the whole", "performance", _slice_limit),
    "bias": Rule(
        "groups are treated more differently than allowed",
        "performance",
        lambda spec: 1.0 if spec.protected else None,
    ),
    "change": Rule(
        "readings stay beyond what is tolerated",
        "change-and-forecast",
        lambda spec: 1.0,
        comparison=REACHED,
    ),
    "forecast": Rule(
        "a limit will be crossed within the horizon",
        "change-and-forecast",
        lambda spec: float(spec.monitoring.change.horizon_days),
        statistic="Minimum",
        comparison=BELOW,
    ),
}


def measuring_alarms(scope: Construct, spec: Spec) -> dict[AlarmKind, cloudwatch.Alarm]:
    """The alarms by kind. They tell nobody: the page above them does, and recovery hears each."""
    limits = {kind: rule.limit(spec) for kind, rule in RULES.items()}
    return {kind: _alarm(scope, spec, kind, limit) for kind, limit in limits.items() if limit is not None}


def watched(spec: Spec, kind: AlarmKind) -> Metric:
    """The metric that the spec's alarm of a kind is on; drift has one for any column, and one for those that matter."""
    if kind == "drift" and spec.monitoring.drift_by == "importance":
        return Metric.PSI_WEIGHTED
    return WATCHES[kind][0]


def _alarm(scope: Construct, spec: Spec, kind: AlarmKind, value: float) -> cloudwatch.Alarm:
    """One data point rings and one clears: what is put counts the spec's M of N readings itself, where CloudWatch would
    count periods. It is put once a run, so the period is short, lest an earlier run's reading outlive the newest."""
    rule = RULES[kind]
    limit = Limit(value, KEEP, comparison=rule.comparison)
    measured = model_metric(spec, watched(spec, kind), rule.statistic, FIVE_MINUTES)
    return make_alarm(scope, kind.capitalize(), measured, limit, described(spec, rule.what, rule.runbook))
