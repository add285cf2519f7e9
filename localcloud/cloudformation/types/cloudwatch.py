"""AWS::CloudWatch::*"""

from collections.abc import Callable

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_ALARM = words(
    "ActionsEnabled AlarmActions AlarmDescription ComparisonOperator DatapointsToAlarm Dimensions "
    "EvaluateLowSampleCountPercentile EvaluationPeriods ExtendedStatistic InsufficientDataActions MetricName Metrics "
    "Namespace OKActions Period Statistic Threshold ThresholdMetricId TreatMissingData Unit"
)
_COMPOSITE = words(
    "ActionsEnabled ActionsSuppressor ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod AlarmActions "
    "AlarmDescription AlarmRule InsufficientDataActions OKActions"
)


def _put(operation: str, names: frozenset[str]) -> Callable[[Handling], Made]:
    def put(handling: Handling) -> Made:
        name = handling.physical_id or handling.name("AlarmName", 255)
        arguments = pick(handling.properties, sorted(names)) | {"AlarmName": name}
        arguments["Tags"] = tag_list(handling.properties) or None
        forward(handling.client("cloudwatch"), operation, arguments)
        return Made(name, {"Arn": handling.arn("cloudwatch", f"alarm:{name}")})

    return put


def _delete_alarm(handling: Handling) -> None:
    handling.client("cloudwatch").delete_alarms(AlarmNames=[handling.physical_id])


def _put_dashboard(handling: Handling) -> Made:
    name = handling.physical_id or handling.name("DashboardName", 255)
    body = as_json(handling.properties["DashboardBody"])
    handling.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=body)
    return Made(name)


def _delete_dashboard(handling: Handling) -> None:
    handling.client("cloudwatch").delete_dashboards(DashboardNames=[handling.physical_id])


TYPES = [
    ResourceType(
        "AWS::CloudWatch::Alarm",
        properties=_ALARM | words("AlarmName"),
        attributes=words("Arn"),
        name_property="AlarmName",
        create=_put("put_metric_alarm", _ALARM),
        update=_put("put_metric_alarm", _ALARM),
        delete=_delete_alarm,
    ),
    ResourceType(
        "AWS::CloudWatch::CompositeAlarm",
        properties=_COMPOSITE | words("AlarmName"),
        attributes=words("Arn"),
        name_property="AlarmName",
        create=_put("put_composite_alarm", _COMPOSITE),
        update=_put("put_composite_alarm", _COMPOSITE),
        delete=_delete_alarm,
    ),
    ResourceType(
        "AWS::CloudWatch::Dashboard",
        properties=words("DashboardBody DashboardName"),
        name_property="DashboardName",
        create=_put_dashboard,
        update=_put_dashboard,
        delete=_delete_dashboard,
    ),
]
