"""The alarms of one model: on what is measured in production, and on what should run by itself."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine
from trimtab.spec import Spec
from trimtab.telemetry import MODEL_DIMENSION, NAMESPACE, Metric

_DAY, _HOUR, _MINUTES = Duration.days(1), Duration.hours(1), Duration.minutes(5)
_KEEP = cloudwatch.TreatMissingData.IGNORE
"""Measurements come once a day or less: between two of them an alarm keeps its state."""
_QUIET = cloudwatch.TreatMissingData.NOT_BREACHING


@dataclass(frozen=True)
class Limit:
    """When an alarm rings: ``datapoints`` of ``periods`` beyond ``value``."""

    value: float
    missing: cloudwatch.TreatMissingData
    periods: int = 1
    datapoints: int = 1
    comparison: cloudwatch.ComparisonOperator = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD


class ModelAlarms(Construct):
    """Owns the alarms. ``asking`` are those that may ask for a retraining. No state."""

    def __init__(self, scope: Construct, id: str, *, spec: Spec, topic: sns.ITopic) -> None:
        super().__init__(scope, id)
        self._spec, self._action = spec, actions.SnsAction(topic)
        watch, quality = spec.monitoring, spec.monitoring.quality
        self.drift = self._measured("Drift", Metric.PSI_MAX, watch.psi_limit, "columns have drifted")
        self.prediction = self._measured(
            "Prediction", Metric.PSI_PREDICTION, watch.prediction_psi_limit, "scores have drifted"
        )
        self.quality = self._measured("Quality", Metric.QUALITY_DROP, quality.max_drop, f"{quality.metric} has fallen")
        self.change = self._change()
        self.asking = (self.drift, self.prediction, self.quality, self.change)
        told = (self._forecast(), self._silence(), self._disagreement())
        self.all: list[cloudwatch.IAlarm] = [*self.asking, *told]

    def watch_machine(self, machine: Machine) -> None:
        """People are told when an execution fails, times out or is aborted."""
        counted = {
            "failed": machine.machine.metric_failed,
            "late": machine.machine.metric_timed_out,
            "aborted": machine.machine.metric_aborted,
        }
        ended = {name: count(period=_MINUTES, statistic="Sum") for name, count in counted.items()}
        broken = cloudwatch.MathExpression(
            expression=" + ".join(f"FILL({name}, 0)" for name in ended),
            using_metrics=ended,
            label="executions that broke off",
            period=_MINUTES,
        )
        name = machine.node.id
        self._alarm(f"{name}Broken", broken, Limit(0, _QUIET), f"{name.lower()} broke off", "broken-machine")

    def watch_dead_letters(self, dead_letters: DeadLetters) -> None:
        """People are told when an event could not be delivered."""
        waiting = dead_letters.queue.metric_approximate_number_of_messages_visible(period=_MINUTES, statistic="Maximum")
        self._alarm("DeadLetters", waiting, Limit(0, _QUIET), "an event could not be delivered", "dead-letters")

    def _measured(self, id: str, metric: Metric, limit: float, what: str) -> cloudwatch.Alarm:
        watch = self._spec.monitoring
        rings = Limit(limit, _KEEP, watch.periods, watch.datapoints)
        return self._alarm(id, model_metric(self._spec, metric, "Maximum", _DAY), rings, what, "drift-and-quality")

    def _change(self) -> cloudwatch.Alarm:
        """Many readings together say what none of them says alone."""
        evidence = model_metric(self._spec, Metric.CHANGE, "Maximum", _DAY)
        reached = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        what = "readings stay beyond what is tolerated"
        return self._alarm("Change", evidence, Limit(1, _KEEP, comparison=reached), what, "drift-and-quality")

    def _forecast(self) -> cloudwatch.Alarm:
        """A trend will cross its limit within the horizon."""
        days = model_metric(self._spec, Metric.DAYS_TO_LIMIT, "Minimum", _DAY)
        sooner = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        horizon = self._spec.monitoring.change.horizon_days
        what = f"a limit will be crossed within {horizon} days"
        return self._alarm("Forecast", days, Limit(horizon, _KEEP, comparison=sooner), what, "drift-and-quality")

    def _silence(self) -> cloudwatch.Alarm:
        """The dead-man alarm: no reading for as long as the spec allows."""
        hours = self._spec.monitoring.silence_hours
        fewer = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
        rings = Limit(1, cloudwatch.TreatMissingData.BREACHING, hours, hours, fewer)
        readings = model_metric(self._spec, Metric.READING, "SampleCount", _HOUR)
        return self._alarm("Silence", readings, rings, f"nothing was measured for {hours} hours", "silence")

    def _disagreement(self) -> cloudwatch.Alarm:
        """What serves is not what was decided, or nobody would hear of it."""
        found = model_metric(self._spec, Metric.RECONCILE_FINDINGS, "Maximum", _MINUTES)
        what = "what serves is not what was decided"
        return self._alarm("Disagreement", found, Limit(0, _KEEP), what, "disagreement")

    def _alarm(self, id: str, metric: cloudwatch.IMetric, limit: Limit, what: str, runbook: str) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            id,
            metric=metric,
            threshold=limit.value,
            comparison_operator=limit.comparison,
            evaluation_periods=limit.periods,
            datapoints_to_alarm=limit.datapoints,
            treat_missing_data=limit.missing,
            alarm_description=f"{self._spec.name}: {what}. What to do: docs/runbooks/{runbook}.md",
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm


def model_metric(spec: Spec, metric: Metric, statistic: str, period: Duration, **dimensions: str) -> cloudwatch.Metric:
    """One of Trimtab's own metrics of a model."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=metric.value,
        dimensions_map={MODEL_DIMENSION: spec.name, **dimensions},
        statistic=statistic,
        period=period,
    )
