"""Metrics, embedded metrics and alarms on the running local cloud."""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .events_support import ACCOUNT, Queue, Stage, unique

MINUTE = 60


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

    def becomes(self, name: str, state: str, seconds: float = 5) -> dict[str, Any]:
        wait_until(
            lambda: self.described(name)["StateValue"] == state, seconds, lambda: f"{self.described(name)} not {state}"
        )
        return self.described(name)

    def notified(self) -> tuple[str, Queue]:
        queue, sns = self.stage.queue(), self.stage.cloud.client("sns")
        topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
        return topic, queue

    def minutes(self, values: Iterable[float | None]) -> None:
        """One value each in consecutive minutes, the clock moving along."""
        for value in values:
            if value is not None:
                self.put(value)
            self.stage.cloud.advance(MINUTE)


@pytest.fixture
def watch(stage: Stage) -> Watch:
    return Watch(stage)


def test_two_of_three_alarm_and_recover_with_event_and_notification(stage: Stage, watch: Watch) -> None:
    topic, notices = watch.notified()
    events = stage.queue()
    stage.rule({"source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"]}, Arn=events.arn)
    name = watch.alarm(AlarmActions=[topic], OKActions=[topic], AlarmDescription="rollback")
    assert watch.becomes(name, "OK")["StateReason"].startswith("Threshold Crossed: no datapoints were received")
    watch.minutes([2.0, 0.0, 3.0])
    alarmed = watch.becomes(name, "ALARM")
    assert alarmed["StateReason"].startswith("Threshold Crossed: 2 out of the last 3 datapoints [3.0 (")
    assert "greater than or equal to the threshold (1.0)" in alarmed["StateReason"]
    assert json.loads(alarmed["StateReasonData"])["recentDatapoints"] == [2.0, 0.0, 3.0]
    stage.cloud.advance(10 * MINUTE)
    watch.becomes(name, "OK")
    changes = sorted(events.bodies(3), key=lambda body: body["detail"]["state"]["timestamp"])
    states = [(body["detail"]["previousState"]["value"], body["detail"]["state"]["value"]) for body in changes]
    assert states == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
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
    messages = [json.loads(body["Message"]) for body in notices.bodies(3)]
    assert sorted(message["NewStateValue"] for message in messages) == ["ALARM", "OK", "OK"]
    alarm = next(message for message in messages if message["NewStateValue"] == "ALARM")
    assert (alarm["AlarmName"], alarm["Region"]) == (name, "US East (N. Virginia)")
    assert alarm["Trigger"]["Dimensions"] == [{"value": "config-2", "name": "EndpointConfigName"}]
    history = watch.cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")["AlarmHistoryItems"]
    assert [item["HistoryItemType"] for item in history].count("StateUpdate") == 3
    assert [item["HistoryItemType"] for item in history].count("Action") == 3


def test_an_alarm_is_born_without_enough_data_and_stays_so_without_data(watch: Watch) -> None:
    name = watch.alarm(TreatMissingData=None)
    found = watch.described(name)
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
    assert found["EvaluationPeriods"] == 3


def test_an_alarm_put_on_existing_data_is_evaluated_within_a_second(watch: Watch) -> None:
    watch.minutes([5.0, 5.0, 5.0])
    began = time.monotonic()
    name = watch.alarm()
    watch.becomes(name, "ALARM", 2)
    assert time.monotonic() - began < 1.0


def test_updating_an_alarm_keeps_its_state_until_the_new_settings_decide(watch: Watch) -> None:
    watch.minutes([5.0, 5.0, 5.0])
    name = watch.alarm()
    watch.becomes(name, "ALARM")
    watch.alarm(AlarmName=name, Threshold=100.0)
    watch.becomes(name, "OK")


def test_percentiles_and_math_can_be_alarmed_on(watch: Watch) -> None:
    for _ in range(3):
        watch.put(*[10.0] * 98, 500.0, 900.0, name="Latency")
        watch.put(*[0.0] * 90, *[1.0] * 10)
        watch.stage.cloud.advance(MINUTE)
    slow = watch.alarm(MetricName="Latency", Statistic=None, ExtendedStatistic="p99", Threshold=100.0)
    watch.becomes(slow, "ALARM")
    metric = {"Namespace": watch.namespace, "MetricName": "Errors", "Dimensions": watch.dimensions}
    stats = {"errors": "Sum", "all": "SampleCount"}
    queries = [
        {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric, "Period": MINUTE, "Stat": stat}}
        for name, stat in stats.items()
    ]
    rate = watch.alarm(
        Namespace=None, MetricName=None, Dimensions=None, Statistic=None, Period=None, Threshold=5.0,
        Metrics=[*queries, {"Id": "rate", "Expression": "100 * errors / all", "Label": "error rate"}],
    )  # fmt: skip
    found = watch.becomes(rate, "ALARM")
    assert json.loads(found["StateReasonData"])["recentDatapoints"] == [10.0, 10.0, 10.0]


def test_a_longer_period_slides_by_minutes(watch: Watch) -> None:
    name = watch.alarm(Period=300, EvaluationPeriods=1, DatapointsToAlarm=1, Threshold=5.0)
    watch.minutes([1.0, 1.0, 1.0, 1.0, 1.0])
    watch.becomes(name, "ALARM")


def test_a_composite_alarm_follows_its_parts(watch: Watch) -> None:
    watch.minutes([5.0, 5.0, 5.0])
    loud, calm = watch.alarm(), watch.alarm(Threshold=100.0)
    both, one, over = unique("both"), unique("one"), unique("over")
    put = watch.cloudwatch.put_composite_alarm
    put(AlarmName=both, AlarmRule=f"ALARM({loud}) AND ALARM({calm})")
    put(AlarmName=one, AlarmRule=f'ALARM("{loud}") AND NOT ALARM("{calm}")')
    put(AlarmName=over, AlarmRule=f"ALARM({one})")
    watch.becomes(one, "ALARM")
    watch.becomes(over, "ALARM")
    watch.becomes(both, "OK")
    assert one not in [alarm["AlarmName"] for alarm in watch.cloudwatch.describe_alarms()["MetricAlarms"]]
    with pytest.raises(ClientError, match="do not exist"):
        put(AlarmName=unique("bad"), AlarmRule="ALARM(absent)")


def test_setting_a_state_by_hand_is_an_event_until_the_next_evaluation(stage: Stage, watch: Watch) -> None:
    topic, notices = watch.notified()
    name = watch.alarm(AlarmActions=[topic])
    watch.becomes(name, "OK")
    watch.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    (message,) = [json.loads(body["Message"]) for body in notices.bodies()]
    assert (message["NewStateReason"], message["OldStateValue"]) == ("a drill", "OK")
    stage.cloud.advance(2 * MINUTE)
    watch.becomes(name, "OK")


def test_alarms_without_actions_enabled_notify_nobody(watch: Watch) -> None:
    topic, notices = watch.notified()
    name = watch.alarm(AlarmActions=[topic])
    watch.becomes(name, "OK")
    watch.cloudwatch.disable_alarm_actions(AlarmNames=[name])
    watch.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    history = watch.cloudwatch.describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in history if item["HistoryItemType"] == "StateUpdate"]
    assert notices.is_empty()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Period": 45}, "multiple of 60"),
        ({"DatapointsToAlarm": 4}, "DatapointsToAlarm"),
        ({"EvaluationPeriods": 2000, "DatapointsToAlarm": 1}, "86400"),
        ({"TreatMissingData": "guess"}, "TreatMissingData"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "ComparisonOperator"),
        ({"Statistic": None}, "Statistic"),
        ({"AlarmActions": ["arn:aws:ssm:us-east-1:123456789012:opsitem:1"]}, "alarm action"),
    ],
)
def test_settings_that_cannot_work_are_refused(watch: Watch, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError, match=reason):
        watch.alarm(**changes)


def test_a_real_timestamp_means_the_virtual_moment_it_was_taken_in(stage: Stage, watch: Watch) -> None:
    stage.cloud.advance(5 * MINUTE)
    watch.put(7.0, at=datetime.now(UTC))
    now = datetime.fromisoformat(stage.cloud.now())
    found = watch.cloudwatch.get_metric_statistics(
        Namespace=watch.namespace, MetricName="Errors", Dimensions=watch.dimensions,
        StartTime=now - timedelta(minutes=2), EndTime=now + timedelta(minutes=1), Period=60, Statistics=["Sum"],
    )["Datapoints"]  # fmt: skip
    assert [point["Sum"] for point in found] == [7.0]


def test_metric_data_come_back_by_statistic_percentile_and_expression(stage: Stage, watch: Watch) -> None:
    watch.minutes([1.0, None, 3.0])
    now = datetime.fromisoformat(stage.cloud.now())
    metric = {"Namespace": watch.namespace, "MetricName": "Errors", "Dimensions": watch.dimensions}
    queries = [
        {"Id": "m1", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p50"}},
        {"Id": "e1", "Expression": "FILL(m1, 0) * 2", "Label": "twice"},
    ]
    answer = watch.cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(seconds=1),
        ScanBy="TimestampAscending",
    )["MetricDataResults"]  # fmt: skip
    results = {result["Id"]: result for result in answer}
    assert results["m1"]["Values"] == [1.0, 3.0]
    assert results["m1"]["Timestamps"][1] - results["m1"]["Timestamps"][0] == timedelta(minutes=2)
    assert (results["e1"]["Label"], [value for value in results["e1"]["Values"] if value]) == ("twice", [2.0, 6.0])
    (listed,) = watch.cloudwatch.list_metrics(Namespace=watch.namespace)["Metrics"]
    assert (listed["MetricName"], listed["Dimensions"]) == ("Errors", watch.dimensions)
    extended = watch.cloudwatch.get_metric_statistics(
        **metric, StartTime=now - timedelta(minutes=10), EndTime=now, Period=600, ExtendedStatistics=["p100"]
    )["Datapoints"]
    assert max(point["ExtendedStatistics"]["p100"] for point in extended) == 3.0


def test_data_that_cloudwatch_refuses_are_refused(watch: Watch) -> None:
    old = datetime.now(UTC) - timedelta(days=400)
    with pytest.raises(ClientError, match="two weeks"):
        watch.put(1.0, at=old)
    with pytest.raises(ClientError, match="NaN"):
        watch.put(float("nan"))
    watch.namespace = "AWS/SageMaker"
    with pytest.raises(ClientError, match="reserved"):
        watch.put(1.0)


def test_log_events_carry_metrics_in_the_embedded_format(stage: Stage, watch: Watch) -> None:
    logs, group = stage.cloud.client("logs"), unique("/aws/lambda/f")
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    directive = {"Namespace": watch.namespace, "Dimensions": [["model"], []], "Metrics": [{"Name": "psi"}]}
    document = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, "model": "flights", "psi": [0.1, 0.3]}
    messages = [json.dumps(document), "a plain line"]
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    found = watch.cloudwatch.list_metrics(Namespace=watch.namespace)["Metrics"]
    assert sorted(len(metric["Dimensions"]) for metric in found) == [0, 1]
    read = logs.get_log_events(logGroupName=group, logStreamName="s")["events"]
    assert [event["message"] for event in read] == messages
    virtual = datetime.fromisoformat(stage.cloud.now()).timestamp() * 1000
    assert abs(virtual - read[0]["timestamp"]) < 30_000


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


def test_dashboards_are_kept(stage: Stage) -> None:
    cloudwatch, name, body = stage.cloud.client("cloudwatch"), unique("board"), json.dumps({"widgets": []})
    cloudwatch.put_dashboard(DashboardName=name, DashboardBody=body)
    assert cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] == body
