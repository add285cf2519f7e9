"""Metrics, embedded metrics and alarms on the running local cloud."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.test_alarm_proofs import spec_of, template_of

from .conftest import LocalCloud, wait_until
from .events_support import ACCOUNT, Stage, unique

MINUTE = 60
TRANSFORMATION = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}


@pytest.fixture(scope="module")
def stage(own_cloud: LocalCloud) -> Stage:
    return Stage(own_cloud)


class Watch:
    """One metric, alarms on it, and where their events and notifications arrive."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.cloudwatch = stage.cloud.client("cloudwatch")
        self.namespace = unique("Namespace")
        self.dimensions = [{"Name": "EndpointConfigName", "Value": "config-2"}]

    def put(self, *values: float, name: str = "Errors", at: datetime | None = None) -> None:
        moment = at or datetime.fromisoformat(self.stage.cloud.now())
        datum = {"MetricName": name, "Dimensions": self.dimensions, "Timestamp": moment, "Values": list(values)}
        self.cloudwatch.put_metric_data(Namespace=self.namespace, MetricData=[datum])

    def alarm(self, **changes: Any) -> str:
        name = unique("alarm")
        settings = {
            "AlarmName": name,
            "Namespace": self.namespace,
            "MetricName": "Errors",
            "Dimensions": self.dimensions,
            "Statistic": "Sum",
            "Period": MINUTE,
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.cloudwatch.put_metric_alarm(**{k: v for k, v in (settings | changes).items() if v is not None})
        return name

    def described(self, name: str) -> dict[str, Any]:
        answer = self.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return dict(found)

    def becomes(self, name: str, state: str, seconds: float = 30) -> dict[str, Any]:
        wait_until(
            lambda: self.described(name)["StateValue"] == state, seconds, lambda: f"{self.described(name)} not {state}"
        )
        return self.described(name)

    def minutes(self, values: Iterable[float | None]) -> None:
        """One value each in consecutive minutes, the clock moving along."""
        for value in values:
            if value is not None:
                self.put(value)
            self.stage.cloud.advance(MINUTE)


@pytest.fixture
def watch(stage: Stage) -> Watch:
    return Watch(stage)


def test_a_change_of_state_is_an_event(stage: Stage, watch: Watch) -> None:
    events = stage.queue()
    stage.rule({"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}, Arn=events.arn)
    name = watch.alarm(AlarmDescription="rollback")
    watch.becomes(name, "OK")
    watch.minutes([2.0, 0.0, 3.0])
    watch.becomes(name, "ALARM")
    changes = sorted(events.bodies(2), key=lambda body: body["detail"]["state"]["timestamp"])
    states = [(body["detail"]["previousState"]["value"], body["detail"]["state"]["value"]) for body in changes]
    assert states == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM")]
    detail = changes[1]["detail"]
    assert changes[1]["resources"] == [f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}"]
    assert detail["configuration"]["description"] == "rollback"
    assert detail["configuration"]["metrics"][0]["metricStat"] == {
        "metric": {
            "namespace": watch.namespace,
            "name": "Errors",
            "dimensions": {"EndpointConfigName": "config-2"},
        },
        "period": 60,
        "stat": "Sum",
    }
    assert json.loads(detail["state"]["reasonData"])["threshold"] == 1.0


def test_an_alarm_put_on_existing_data_is_evaluated_at_once(watch: Watch) -> None:
    watch.minutes([5.0, 5.0, 5.0])
    watch.becomes(watch.alarm(), "ALARM")


def test_a_longer_period_slides_by_minutes(watch: Watch) -> None:
    name = watch.alarm(Period=300, EvaluationPeriods=1, DatapointsToAlarm=1, Threshold=5.0)
    watch.minutes([1.0, 1.0, 1.0, 1.0, 1.0])
    watch.becomes(name, "ALARM")


def test_a_real_timestamp_means_the_virtual_moment_it_was_taken_in(stage: Stage, watch: Watch) -> None:
    stage.cloud.advance(5 * MINUTE)
    watch.put(7.0, at=datetime.now(UTC))
    now = datetime.fromisoformat(stage.cloud.now())
    found = watch.cloudwatch.get_metric_statistics(
        Namespace=watch.namespace, MetricName="Errors", Dimensions=watch.dimensions,
        StartTime=now - timedelta(minutes=2), EndTime=now + timedelta(minutes=1), Period=60, Statistics=["Sum"],
    )["Datapoints"]  # fmt: skip
    assert [point["Sum"] for point in found] == [7.0]


def test_executions_and_rules_count_in_their_services_metrics(stage: Stage) -> None:
    machine = stage.machine({"No": {"Type": "Fail", "Error": "Bad"}})
    stage.outcome(machine)
    cloudwatch = stage.cloud.client("cloudwatch")
    found = cloudwatch.list_metrics(Namespace="AWS/States", Dimensions=[{"Name": "StateMachineArn", "Value": machine}])
    assert {metric["MetricName"] for metric in found["Metrics"]} == {
        "ExecutionsStarted",
        "ExecutionsFailed",
        "ExecutionTime",
    }


def test_a_message_in_a_dead_letter_queue_alarms(stage: Stage, watch: Watch) -> None:
    queue = stage.queue()
    queue.client.send_message(QueueUrl=queue.url, MessageBody="lost")
    name = watch.alarm(
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": queue.arn.rsplit(":", 1)[-1]}],
        Statistic="Maximum",
        EvaluationPeriods=1,
        DatapointsToAlarm=1,
    )

    def is_in_alarm() -> bool:
        stage.cloud.advance(MINUTE)
        return bool(watch.described(name)["StateValue"] == "ALARM")

    wait_until(is_in_alarm, 10)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AlarmActions": ["arn:aws:ssm:us-east-1:123456789012:opsitem:1"]}, "alarm action"),
        ({"Statistic": None, "ExtendedStatistic": "tm99"}, "percentiles"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "few samples"),
        ({"ThresholdMetricId": "band", "Threshold": None}, "ANOMALY_DETECTION_BAND"),
    ],
)
def test_alarms_that_the_local_cloud_cannot_evaluate_are_refused(
    watch: Watch, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ClientError, match=reason):
        watch.alarm(**changes)


def test_an_anomaly_after_days_of_the_usual_rings(stage: Stage, watch: Watch) -> None:
    now = datetime.fromisoformat(stage.cloud.now())
    for day in range(4):
        minutes = [-1440 * day - 5 * step for step in range(288)]
        data = [_latency(now + timedelta(minutes=minute), 100.0 + minute % 7) for minute in minutes]
        watch.cloudwatch.put_metric_data(Namespace=watch.namespace, MetricData=data)
    name = unique("alarm")
    metric = {"Namespace": watch.namespace, "MetricName": "Latency"}
    metrics: list[Any] = [
        {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Average"}},
        {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 4)"},
    ]
    watch.cloudwatch.put_metric_alarm(
        AlarmName=name, Metrics=metrics, ThresholdMetricId="band", EvaluationPeriods=2,
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold", TreatMissingData="ignore",
    )  # fmt: skip
    watch.becomes(name, "OK")
    for _ in range(2):
        later = datetime.fromisoformat(stage.cloud.now())
        watch.cloudwatch.put_metric_data(Namespace=watch.namespace, MetricData=[_latency(later, 900.0)])
        stage.cloud.advance(5 * MINUTE)
    found = watch.becomes(name, "ALARM")
    assert "greater than the upper thresholds" in found["StateReason"]


def test_a_model_s_alarms_are_deployed_with_pages_bands_and_a_suppressor(stage: Stage) -> None:
    cloudformation = stage.cloud.client("cloudformation")
    name, template = unique("alarms"), template_of(spec_of(anomalies=("latency", "throughput", "errors")))
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": template["Resources"]}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    cloudwatch = stage.cloud.client("cloudwatch")
    described = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    (page,) = [alarm for alarm in described if name in alarm.get("ActionsSuppressor", "")]
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert sum("ThresholdMetricId" in alarm for alarm in alarms) == 3
    assert page["StateValue"] in ("OK", "INSUFFICIENT_DATA")
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def _latency(moment: datetime, value: float) -> dict[str, Any]:
    return {"MetricName": "Latency", "Timestamp": moment, "Value": value}


def test_a_jump_over_many_alarms_is_looked_at_whole(stage: Stage, watch: Watch) -> None:
    names = [watch.alarm(Period=period) for period in (60, 300, 3600) for _ in range(10)]
    watch.put(5.0)
    stage.cloud.advance(24 * 60 * MINUTE)
    watch.put(5.0)
    stage.cloud.advance(24 * 60 * MINUTE)
    for name in names:
        watch.becomes(name, "OK")


def test_expired_log_events_are_gone(stage: Stage) -> None:
    logs, group = stage.cloud.client("logs"), unique("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)

    def write(message: str) -> list[str]:
        event = {"timestamp": int(time.time() * 1000), "message": message}
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
        return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]

    assert write("old") == ["old"]
    stage.cloud.advance(23 * 60 * MINUTE)
    assert write("new") == ["old", "new"]
    stage.cloud.advance(2 * 60 * MINUTE)
    for read in (logs.filter_log_events, logs.get_log_events):
        more = {"logStreamName": "s"} if read == logs.get_log_events else {}
        assert [event["message"] for event in read(logGroupName=group, **more)["events"]] == ["new"]


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("put_metric_filter", {"filterName": "f", "filterPattern": "", "metricTransformations": [TRANSFORMATION]}),
        ("start_query", {"startTime": 0, "endTime": 1, "queryString": "fields @message"}),
    ],
)
def test_what_logs_cannot_do_is_refused(stage: Stage, operation: str, given: dict[str, Any]) -> None:
    logs = stage.cloud.client("logs")
    with pytest.raises(ClientError, match="does not do"):
        getattr(logs, operation)(logGroupName="group", **given)


def test_filter_patterns_beyond_terms_are_refused(stage: Stage) -> None:
    logs, group = stage.cloud.client("logs"), unique("group")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    logs.put_log_events(
        logGroupName=group, logStreamName="s", logEvents=[{"timestamp": int(time.time() * 1000), "message": "x"}]
    )
    with pytest.raises(ClientError, match="terms only"):
        logs.filter_log_events(logGroupName=group, filterPattern='{ $.level = "ERROR" }')
