"""Amazon CloudWatch Logs, and CloudWatch itself. Source: service authorization reference."""

from collections.abc import Iterator

from localcloud.iam.calls import Call
from localcloud.iam.policies import Access

_NO_RESOURCE = frozenset({"DescribeResourcePolicies", "PutResourcePolicy", "DeleteResourcePolicy", "DescribeQueries"})
_ALARMS = {"PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState"}


def log_accesses(call: Call) -> Iterator[Access]:
    """A log group is named with the streams in it, as AWS does: log-group:NAME:log-stream:STREAM."""
    if call.operation in _NO_RESOURCE or call.operation.endswith("LogDelivery"):
        yield Access(call.action, "*")
        return
    given = call.text("resourceArn") or call.text("logGroupIdentifier")
    if given.startswith("arn:"):
        yield Access(call.action, given)
        return
    group = call.text("logGroupName") or given or call.text("logGroupNamePrefix")
    yield Access(call.action, call.arn(f"log-group:{group}:log-stream:{call.text('logStreamName')}"))


def metric_accesses(call: Call) -> Iterator[Access]:
    """Metrics have no ARN, only a namespace; alarms and dashboards do."""
    names = [call.text("AlarmName")] if call.operation in _ALARMS else call.parameters.get("AlarmNames") or []
    namespace = {"cloudwatch:namespace": (call.text("Namespace"),)} if call.text("Namespace") else {}
    if "Dashboard" in call.operation and call.text("DashboardName"):
        yield Access(call.action, f"arn:aws:cloudwatch::{call.account}:dashboard/{call.text('DashboardName')}")
    elif names and call.operation != "DescribeAlarmsForMetric":
        actions = tuple(str(one) for one in call.parameters.get("AlarmActions") or [])
        context = namespace | ({"cloudwatch:alarmactions": actions} if actions else {})
        for name in names:
            yield Access(call.action, call.arn(f"alarm:{name}"), context)
    elif call.operation.startswith("DescribeAlarms"):
        yield Access(call.action, call.arn("alarm:*") if call.operation == "DescribeAlarms" else "*")
    else:
        yield Access(call.action, call.text("ResourceARN") or "*", namespace)
