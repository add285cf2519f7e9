"""One page about one model: what it is asked, what it answers, how the world has moved, and what was done about it."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.alarm_limits import model_metric
from stacks.constructs.machine import Machine
from stacks.constructs.model_alarms import ModelAlarms
from stacks.constructs.monitoring_widgets import monitoring_widgets
from trimtab.names import VARIANT, ModelNames
from trimtab.spec import Spec
from trimtab.spec.judging import RULES
from trimtab.telemetry import COLUMN_DIMENSION, METRIC_DIMENSION, RULE_DIMENSION, Metric

_DAY, _MINUTE = Duration.days(1), Duration.minutes(1)
_HALF = 12
"""Width of a widget; a row has 24."""


class ModelDashboard(Construct):
    """Owns a dashboard. No state."""

    def __init__(
        self, scope: Construct, id: str, *, spec: Spec, names: ModelNames, alarms: ModelAlarms, machines: list[Machine]
    ) -> None:
        super().__init__(scope, id)
        self._spec, self._names = spec, names
        dashboard = cloudwatch.Dashboard(self, "Dashboard", default_interval=Duration.days(30))
        status = cloudwatch.AlarmStatusWidget(title=spec.name, alarms=alarms.all, width=24)
        dashboard.add_widgets(status)
        dashboard.add_widgets(self._traffic(), self._latency(alarms))
        dashboard.add_widgets(self._saturation(alarms), self._cost())
        dashboard.add_widgets(self._rollout(), self._evidence())
        dashboard.add_widgets(self._fleets("Errors by fleet (5xx)", "Invocation5XXErrors", "Sum"), self._slowest())
        dashboard.add_widgets(self._drift(alarms), self._quality(alarms))
        for row in monitoring_widgets(spec):
            dashboard.add_widgets(*row)
        dashboard.add_widgets(self._decisions(), _executions(machines))

    def _drift(self, alarms: ModelAlarms) -> cloudwatch.IWidget:
        columns = [
            model_metric(self._spec, Metric.PSI, "Maximum", _DAY, **{COLUMN_DIMENSION: column})
            for column in self._spec.monitored
        ]
        return cloudwatch.GraphWidget(
            title="Drift by column (PSI)",
            left=columns,
            left_annotations=[alarms.drift.to_annotation()],
            width=_HALF,
        )

    def _quality(self, alarms: ModelAlarms) -> cloudwatch.IWidget:
        metric = self._spec.monitoring.quality.metric
        measured = model_metric(self._spec, Metric.QUALITY, "Average", _DAY, **{METRIC_DIMENSION: metric})
        fallen = model_metric(self._spec, Metric.QUALITY_DROP, "Maximum", _DAY)
        return cloudwatch.GraphWidget(
            title="Performance on joined truth",
            left=[measured],
            right=[fallen],
            right_annotations=[alarms.quality.to_annotation()],
            width=_HALF,
        )

    def _traffic(self) -> cloudwatch.IWidget:
        counts = [self._endpoint(name, "Sum") for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")]
        return cloudwatch.GraphWidget(title="Requests", left=counts, width=_HALF)

    def _latency(self, alarms: ModelAlarms) -> cloudwatch.IWidget:
        """The model's own, and SageMaker's where it publishes that."""
        shares = [self._endpoint("ModelLatency", statistic) for statistic in ("p50", "p99")]
        overhead = [self._endpoint("OverheadLatency", "p99")] if alarms.service.kind != "async" else []
        return cloudwatch.GraphWidget(title="Latency (µs)", left=[*shares, *overhead], width=_HALF)

    def _saturation(self, alarms: ModelAlarms) -> cloudwatch.IWidget:
        """What the alarm on saturation looks at; of several processors CPUUtilization is the sum."""
        return cloudwatch.GraphWidget(title="Saturation", left=alarms.service.used, width=_HALF)

    def _cost(self) -> cloudwatch.IWidget:
        a_day = model_metric(self._spec, Metric.COST_PER_DAY, "Maximum", _DAY)
        return cloudwatch.GraphWidget(title="Cost of a day (USD, list prices)", left=[a_day], width=_HALF)

    def _rollout(self) -> cloudwatch.IWidget:
        """How far traffic has moved, and what the judge says of it."""
        return cloudwatch.GraphWidget(
            title="Rollout: share of the new version (%), verdict (1 pass, 0 unsure, -1 fail)",
            left=[model_metric(self._spec, Metric.ROLLOUT_SHARE, "Maximum", _MINUTE)],
            left_y_axis=cloudwatch.YAxisProps(min=0, max=100),
            right=[model_metric(self._spec, Metric.ROLLOUT_VERDICT, "Minimum", _MINUTE)],
            right_y_axis=cloudwatch.YAxisProps(min=-1, max=1),
            width=_HALF,
        )

    def _evidence(self) -> cloudwatch.IWidget:
        """A line for each rule of the judge; at 1 it ends a rollout."""
        judge = self._spec.rollout.judge
        rules = [rule for rule in RULES if rule not in judge.without] + [metric.name for metric in judge.metrics]
        lines = [
            model_metric(self._spec, Metric.ROLLOUT_EVIDENCE, "Maximum", _MINUTE, **{RULE_DIMENSION: rule}).with_(
                label=rule
            )
            for rule in rules
        ]
        limit = cloudwatch.HorizontalAnnotation(value=1, label="fails")
        return cloudwatch.GraphWidget(
            title="Rollout: evidence against the new version", left=lines, left_annotations=[limit], width=_HALF
        )

    def _slowest(self) -> cloudwatch.IWidget:
        return self._fleets("Latency by fleet, p99 (µs)", "ModelLatency", "p99")

    def _fleets(self, title: str, name: str, statistic: str) -> cloudwatch.IWidget:
        """A line for each endpoint config that has served lately, which nobody can name beforehand."""
        dimensions = "AWS/SageMaker,EndpointConfigName,EndpointName,VariantName"
        found = f'{{{dimensions}}} MetricName="{name}" EndpointName="{self._names.endpoint}"'
        lines = cloudwatch.MathExpression(
            expression=f"SEARCH('{found}', '{statistic}', 60)", using_metrics={}, label="", period=_MINUTE
        )
        return cloudwatch.GraphWidget(title=title, left=[lines], width=_HALF)

    def _decisions(self) -> cloudwatch.IWidget:
        made = (
            Metric.DROPS_ACCEPTED,
            Metric.DROPS_QUARANTINED,
            Metric.CANDIDATES_REGISTERED,
            Metric.CANDIDATES_REFUSED,
            Metric.ROLLOUTS_SERVING,
            Metric.ROLLOUTS_ROLLED_BACK,
            Metric.ROLLBACKS,
            Metric.RETRAINS_STARTED,
            Metric.RETRAINS_SUPPRESSED,
        )
        counts = [model_metric(self._spec, metric, "Sum", _DAY) for metric in made]
        return cloudwatch.GraphWidget(title="Decisions", left=counts, width=_HALF)

    def _endpoint(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map={"EndpointName": self._names.endpoint, "VariantName": VARIANT},
            statistic=statistic,
            period=_MINUTE,
        )


def _executions(machines: list[Machine]) -> cloudwatch.IWidget:
    failed = [
        machine.machine.metric_failed(period=Duration.hours(1), label=machine.node.id.lower()) for machine in machines
    ]
    return cloudwatch.GraphWidget(title="Executions that failed", left=failed, width=_HALF)
