"""The alarms on what is measured in production: one for each kind that the spec has a limit for."""

from collections.abc import Mapping
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
from trimtab.spec.limits import AlarmLimit, Side, limit_of
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import metric_of

COMPARISONS: Mapping[Side, cloudwatch.ComparisonOperator] = {"above": ABOVE, "reached": REACHED, "below": BELOW}


@dataclass(frozen=True)
class Rule:
    """What the alarm of a kind says, and which of the data points of a period it takes."""

    what: str
    runbook: str
    statistic: str = "Maximum"


RULES: Mapping[AlarmKind, Rule] = {
    "drift": Rule("columns have drifted", "drift-and-quality"),
    "prediction": Rule("scores have drifted", "drift-and-quality"),
    "quality": Rule("measured performance has fallen", "drift-and-quality"),
    "schema": Rule("columns are broken, not moved", "schema"),
    "estimate": Rule("performance has fallen by an estimate without truth", "performance"),
    "slice": Rule("one slice has fallen further than the whole", "performance"),
    "bias": Rule("groups are treated more differently than allowed", "performance"),
    "change": Rule("readings stay beyond what is tolerated", "change-and-forecast"),
    "forecast": Rule("a limit will be crossed within the horizon", "change-and-forecast", statistic="Minimum"),
}


def measuring_alarms(scope: Construct, spec: Spec) -> dict[AlarmKind, cloudwatch.Alarm]:
    """The alarms by kind. They tell nobody: the page above them does, and recovery hears each."""
    limits = {kind: limit_of(kind, spec) for kind in RULES}
    return {kind: _alarm(scope, spec, kind, limit) for kind, limit in limits.items() if limit is not None}


def _alarm(scope: Construct, spec: Spec, kind: AlarmKind, allowed: AlarmLimit) -> cloudwatch.Alarm:
    """One data point rings and one clears: what is put counts the spec's M of N readings itself, where CloudWatch would
    count periods. It is put once a run, so the period is short, lest an earlier run's reading outlive the newest."""
    rule = RULES[kind]
    limit = Limit(allowed.value, KEEP, comparison=COMPARISONS[allowed.side])
    measured = model_metric(spec, metric_of(kind, spec.monitoring), rule.statistic, FIVE_MINUTES)
    return make_alarm(scope, kind.capitalize(), measured, limit, described(spec, rule.what, rule.runbook))
