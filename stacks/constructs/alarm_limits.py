"""How an alarm of Trimtab is made: its limit, what missing data mean, and the page that says what to do."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from trimtab.spec import Spec
from trimtab.telemetry import MODEL_DIMENSION, NAMESPACE, Metric

DAY, HOUR, FIVE_MINUTES = Duration.days(1), Duration.hours(1), Duration.minutes(5)
KEEP = cloudwatch.TreatMissingData.IGNORE
"""Measurements come once a day or less: between two of them an alarm keeps its state."""
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
LOUD = cloudwatch.TreatMissingData.BREACHING
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
REACHED = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD


@dataclass(frozen=True)
class Limit:
    """When an alarm rings: ``datapoints`` of ``periods`` beyond ``value``."""

    value: float
    missing: cloudwatch.TreatMissingData
    periods: int = 1
    datapoints: int = 1
    comparison: cloudwatch.ComparisonOperator = ABOVE


def make_alarm(
    scope: Construct, id: str, metric: cloudwatch.IMetric, limit: Limit, description: str
) -> cloudwatch.Alarm:
    """An alarm that tells nobody by itself."""
    return cloudwatch.Alarm(
        scope,
        id,
        metric=metric,
        threshold=limit.value,
        comparison_operator=limit.comparison,
        evaluation_periods=limit.periods,
        datapoints_to_alarm=limit.datapoints,
        treat_missing_data=limit.missing,
        alarm_description=description,
    )


def described(spec: Spec, what: str, runbook: str) -> str:
    """What the alarm of a model says, with the page that says what to do."""
    return f"{spec.name}: {what}. What to do: docs/runbooks/{runbook}.md"


def model_metric(spec: Spec, metric: Metric, statistic: str, period: Duration, **dimensions: str) -> cloudwatch.Metric:
    """One of Trimtab's own metrics of a model."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map={MODEL_DIMENSION: spec.name, **dimensions},
        statistic=statistic,
        period=period,
    )
