"""What is measured of production besides columns and truth, drawn for a model's page with the limits that ring."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch

from stacks.constructs.alarm_limits import DAY, model_metric
from stacks.constructs.measuring_alarms import RULES
from trimtab.spec import Spec
from trimtab.spec.limits import limit_of
from trimtab.spec.retraining import AlarmKind
from trimtab.telemetry import WATCHES, Metric

_WIDTH = 12


def monitoring_widgets(spec: Spec) -> list[list[cloudwatch.IWidget]]:
    """Rows of two: drift by importance, breaks; coverage, falls; change, days to a limit. Bias where it is watched."""
    falls: tuple[AlarmKind, ...] = ("estimate", "slice")
    rows = [
        [_graph(spec, "Drift: largest, by importance, of the scores (PSI)", ("drift", "prediction")), _broken(spec)],
        [_coverage(spec), _graph(spec, "Falls in performance: estimated without truth, worst slice", falls)],
        [
            _graph(spec, "Evidence for a lasting change (detected at 1)", ("change",)),
            _graph(spec, "Days until a trend crosses its limit", ("forecast",)),
        ],
    ]
    if limit_of("bias", spec) is not None:
        rows.append([_graph(spec, "Bias: largest proven finding, in multiples of its limit", ("bias",))])
    return rows


def _graph(spec: Spec, title: str, kinds: Sequence[AlarmKind]) -> cloudwatch.IWidget:
    """Every metric that an alarm of these kinds watches, and each kind's limit across; kinds without one are absent."""
    limits = {kind: limit.value for kind in kinds if (limit := limit_of(kind, spec)) is not None}
    lines = [model_metric(spec, metric, RULES[kind].statistic, DAY) for kind in limits for metric in WATCHES[kind]]
    across = [cloudwatch.HorizontalAnnotation(value=limit, label=f"{kind} rings") for kind, limit in limits.items()]
    return cloudwatch.GraphWidget(title=title, left=lines, left_annotations=across, width=_WIDTH)


def _broken(spec: Spec) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title="Broken columns, and the share of requests that could not be read",
        left=[model_metric(spec, Metric.SCHEMA_BREAKS, "Maximum", DAY)],
        right=[model_metric(spec, Metric.UNREADABLE, "Maximum", DAY)],
        width=_WIDTH,
    )


def _coverage(spec: Spec) -> cloudwatch.IWidget:
    return cloudwatch.GraphWidget(
        title="Share of the newest judged window whose truth is known",
        left=[model_metric(spec, Metric.TRUTH_COVERAGE, "Maximum", DAY)],
        left_y_axis=cloudwatch.YAxisProps(min=0, max=1),
        width=_WIDTH,
    )
