"""What is watched over the whole stage, whichever models there are."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from stacks.constructs.alarm_limits import model_metric
from stacks.control_stack import ControlStack
from stacks.model_source import ModelSource
from trimtab.telemetry import Metric

_DAY = Duration.days(1)


class ObservabilityStack(Stack):
    """The overview of all models, and the alarm of the function that all failures go through. No state."""

    def __init__(self, scope: Construct, id: str, *, control: ControlStack, models: Sequence[ModelSource]) -> None:
        super().__init__(scope, id, description="Trimtab: overview of all models")
        errors = control.record_failure.function.metric_errors(period=Duration.minutes(5))
        unrecorded = cloudwatch.Alarm(
            self,
            "Unrecorded",
            metric=errors,
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description="A failure could not be written down. What to do: docs/runbooks/broken-machine.md",
        )
        unrecorded.add_alarm_action(actions.SnsAction(control.notifications.topic))
        dashboard = cloudwatch.Dashboard(self, "Models", default_interval=Duration.days(30))
        for title, metric, statistic in _ROWS:
            dashboard.add_widgets(_row(title, metric, statistic, models))


_ROWS = (
    ("Largest drift (PSI)", Metric.PSI_MAX, "Maximum"),
    ("Fall of performance", Metric.QUALITY_DROP, "Maximum"),
    ("Records measured", Metric.ROWS_MEASURED, "Sum"),
    ("Rollouts serving", Metric.ROLLOUTS_SERVING, "Sum"),
    ("Rollouts rolled back", Metric.ROLLOUTS_ROLLED_BACK, "Sum"),
)


def _row(title: str, metric: Metric, statistic: str, models: Sequence[ModelSource]) -> cloudwatch.IWidget:
    """One graph with a line for each model."""
    lines = [model_metric(model.spec, metric, statistic, _DAY).with_(label=model.spec.name) for model in models]
    return cloudwatch.GraphWidget(title=title, left=lines, width=24)
