"""CloudWatch: statistics, metric math, alarms and missing data, composite alarms, actions, embedded metrics."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .watch import DIMENSIONS, MINUTE, Watch

pytestmark = pytest.mark.cloudwatch

UNCHECKED = "Unchecked: Initial alarm creation"


@pytest.fixture
def watch(account: Account) -> Watch:
    return Watch(account, account.unique("namespace"))


def topic(account: Account) -> tuple[str, str]:
    """The ARN of a new topic and the URL of the queue in which its messages arrive."""
    (url, queue), sns = account.queue(), account.client("sns")
    arn = str(sns.create_topic(Name=account.unique("topic"))["TopicArn"])
    account.later(sns.delete_topic, TopicArn=arn)
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": queue}]})
    account.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
    return arn, url


def messages(account: Account, url: str, count: int) -> list[dict[str, Any]]:
    """The first `count` notifications."""
    sqs, found = account.client("sqs"), list[dict[str, Any]]()

    def all_there() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(json.loads(message["Body"])["Message"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return len(found) >= count

    account.wait_until(all_there)
    return found


def test_an_alarm_is_born_without_enough_data_and_stays_so_without_data(watch: Watch) -> None:
    name = watch.alarm(TreatMissingData=None)
    found = watch.described(name)
    assert (found["StateValue"], found["StateReason"]) == ("INSUFFICIENT_DATA", UNCHECKED)
    watch.account.pass_time(3 * MINUTE)
    assert (watch.state(name), watch.changes(name)) == ("INSUFFICIENT_DATA", [])


TABLE = {"-": None, "0": 0.0, "X": 5.0}


@pytest.mark.parametrize(
    ("points", "states"),
    [
        ("0-X-X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("00X0X", ("ALARM", "ALARM", "ALARM", "ALARM")),
        ("0-000", ("OK", "OK", "OK", "OK")),
        ("-----", ("INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "ALARM", "OK")),
    ],
)
def test_two_of_three_points_with_missing_data(watch: Watch, points: str, states: tuple[str, ...]) -> None:
    watch.put_minutes([TABLE[point] for point in points])
    treatments = ("missing", "ignore", "breaching", "notBreaching")
    names = [watch.alarm(TreatMissingData=treatment) for treatment in treatments]
    watch.account.wait_until(lambda: tuple(map(watch.state, names)) == states, 20)


def test_an_alarm_rings_and_recovers_with_notification_reason_and_history(watch: Watch) -> None:
    account = watch.account
    arn, url = topic(account)
    name = watch.alarm(AlarmActions=[arn], OKActions=[arn], AlarmDescription="rollback")
    watch.becomes(name, "OK")
    watch.put_minutes([2.0, 0.0, 3.0])
    account.pass_time(MINUTE)
    found = watch.becomes(name, "ALARM")
    assert found["StateReason"].startswith("Threshold Crossed: 2 out of the last 3 datapoints [3.0 (")
    assert "greater than or equal to the threshold (1.0)" in found["StateReason"]
    data = json.loads(found["StateReasonData"])
    assert (data["recentDatapoints"], data["threshold"], data["period"]) == ([2.0, 0.0, 3.0], 1.0, MINUTE)
    account.pass_time(12 * MINUTE)
    watch.becomes(name, "OK")
    assert watch.changes(name) == [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "OK")]
    told = messages(account, url, 3)
    assert [(note["OldStateValue"], note["NewStateValue"]) for note in told].count(("OK", "ALARM")) == 1
    ring = next(note for note in told if note["NewStateValue"] == "ALARM")
    assert (ring["AlarmName"], ring["AlarmDescription"], ring["AWSAccountId"]) == (name, "rollback", account.number)
    trigger = ring["Trigger"]
    assert trigger["Dimensions"] == [{"value": "config-2", "name": "EndpointConfigName"}]
    assert (trigger["Period"], trigger["Statistic"], trigger["Threshold"]) == (MINUTE, "SUM", 1.0)


def test_a_long_pause_goes_through_every_state_of_its_time(watch: Watch) -> None:
    rings = watch.alarm(EvaluationPeriods=1, DatapointsToAlarm=1, TreatMissingData="missing")
    silent = watch.alarm(EvaluationPeriods=1, DatapointsToAlarm=1, TreatMissingData="breaching", Threshold=100.0)
    both = watch.composite(f"ALARM({rings}) OR ALARM({silent})")
    watch.becomes(silent, "ALARM")
    watch.put(0.0)
    watch.put(5.0, ago=-2 * MINUTE)
    watch.account.pass_time(24 * 60 * MINUTE if watch.account.local else 20 * MINUTE)
    course = [("INSUFFICIENT_DATA", "OK"), ("OK", "ALARM"), ("ALARM", "INSUFFICIENT_DATA")]
    watch.account.wait_until(lambda: watch.changes(rings) == course)
    silence = [("INSUFFICIENT_DATA", "ALARM"), ("ALARM", "OK"), ("OK", "ALARM")]
    watch.account.wait_until(lambda: watch.changes(silent) == silence)
    assert ("ALARM", "OK") in watch.changes(both)


def test_a_percentile_and_an_expression_can_be_alarmed_on(watch: Watch) -> None:
    for ago in (MINUTE, 2 * MINUTE, 3 * MINUTE):
        watch.put(*[10.0] * 98, 500.0, 900.0, name="Latency", ago=ago)
        watch.put(*[0.0] * 90, *[1.0] * 10, ago=ago)
    watch.account.pass_time(MINUTE)
    slow = watch.alarm(MetricName="Latency", Statistic=None, ExtendedStatistic="p99", Threshold=100.0)
    alone = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
    queries = [watch.query("errors", "Sum", ReturnData=False), watch.query("total", "SampleCount", ReturnData=False)]
    rate = watch.alarm(**alone, Threshold=5.0, Metrics=[*queries, {"Id": "rate", "Expression": "100*errors/total"}])
    watch.becomes(slow, "ALARM")
    assert set(json.loads(watch.becomes(rate, "ALARM")["StateReasonData"])["recentDatapoints"]) == {10.0}


def test_updating_an_alarm_keeps_its_state_until_the_new_settings_decide(watch: Watch) -> None:
    watch.put_minutes([5.0, 5.0, 5.0])
    name = watch.alarm()
    watch.becomes(name, "ALARM")
    watch.alarm(AlarmName=name, Threshold=100.0)
    watch.becomes(name, "OK")
    assert watch.changes(name)[-1] == ("ALARM", "OK")


def test_a_composite_alarm_follows_its_parts(watch: Watch) -> None:
    watch.put_minutes([5.0, 5.0, 5.0])
    loud, calm = watch.alarm(), watch.alarm(Threshold=100.0)
    both = watch.composite(f"ALARM({loud}) AND ALARM({calm})")
    one = watch.composite(f'(ALARM("{loud}") OR INSUFFICIENT_DATA({loud})) AND NOT ALARM("{calm}")')
    over = watch.composite(f"ALARM({one}) AND OK({calm})")
    for name, state in ((one, "ALARM"), (over, "ALARM"), (both, "OK")):
        watch.becomes(name, state)
    assert one not in [alarm["AlarmName"] for alarm in watch.client.describe_alarms()["MetricAlarms"]]
    with pytest.raises(ClientError, match="do not exist"):
        watch.composite(f"ALARM({watch.account.unique('absent')})")


def test_a_suppressor_holds_the_actions_of_a_composite_alarm_back_until_it_is_over(watch: Watch) -> None:
    arn, url = topic(watch.account)
    watch.put_minutes([5.0, 5.0, 5.0])
    cause, mute = watch.alarm(), watch.alarm()
    for name in (cause, mute):
        watch.becomes(name, "ALARM")
    periods = {"ActionsSuppressorWaitPeriod": 60, "ActionsSuppressorExtensionPeriod": 60}
    page = watch.composite(f"ALARM({cause})", AlarmActions=[arn], ActionsSuppressor=mute, **periods)
    found = watch.becomes(page, "ALARM")
    assert (found["ActionsSuppressor"], found["ActionsSuppressedBy"]) == (mute, "Alarm")
    watch.alarm(AlarmName=mute, Threshold=100.0)
    watch.becomes(mute, "OK")
    watch.account.pass_time(2 * MINUTE)
    watch.put_minutes([5.0, 5.0, 5.0])
    (note,) = messages(watch.account, url, 1)
    assert (note["AlarmName"], note["NewStateValue"]) == (page, "ALARM")
    assert "ActionsSuppressedBy" not in watch.described(page)


def test_an_alarm_on_anomalies_names_its_band_and_has_none_without_history(watch: Watch) -> None:
    metrics = [watch.query("m1", "Average"), {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m1, 3)"}]
    banded = {"ThresholdMetricId": "band", "ComparisonOperator": "GreaterThanUpperThreshold", "Metrics": metrics}
    plain = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period", "Threshold"))
    name = watch.alarm(**plain, **banded)
    found = watch.described(name)
    assert (found["ThresholdMetricId"], found["StateValue"]) == ("band", "INSUFFICIENT_DATA")
    assert "Threshold" not in found
    with pytest.raises(ClientError):
        watch.alarm(**plain, **banded | {"ThresholdMetricId": "absent"})


def test_setting_a_state_by_hand_holds_until_the_next_evaluation(watch: Watch) -> None:
    arn, url = topic(watch.account)
    name = watch.alarm(AlarmActions=[arn])
    watch.becomes(name, "OK")
    watch.client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    (note,) = messages(watch.account, url, 1)
    assert (note["NewStateReason"], note["OldStateValue"]) == ("a drill", "OK")
    watch.account.pass_time(2 * MINUTE)
    watch.becomes(name, "OK")


def test_an_alarm_whose_actions_are_off_changes_silently(watch: Watch) -> None:
    arn, url = topic(watch.account)
    name = watch.alarm(AlarmActions=[arn])
    watch.becomes(name, "OK")
    watch.client.disable_alarm_actions(AlarmNames=[name])
    watch.client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    assert watch.changes(name)[-1] == ("OK", "ALARM")
    watch.client.enable_alarm_actions(AlarmNames=[name])
    for state in ("OK", "ALARM"):
        watch.client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="another drill")
    assert {note["NewStateReason"] for note in messages(watch.account, url, 1)} == {"another drill"}


@pytest.mark.parametrize(
    "changes",
    [
        {"Period": 45},
        {"DatapointsToAlarm": 4},
        {"EvaluationPeriods": 2000, "DatapointsToAlarm": 1},
        {"TreatMissingData": "guess"},
        {"ComparisonOperator": "Above"},
        {"Statistic": None},
        {"Statistic": "Median"},
    ],
)
def test_settings_that_cannot_work_are_refused(watch: Watch, changes: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        watch.alarm(**changes)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_metric_data_come_back_by_statistic_percentile_and_expression(watch: Watch) -> None:
    watch.put_minutes([1.0, None, 3.0])
    watch.put(10.0, 20.0, 30.0, 40.0, name="Latency", ago=MINUTE)

    def values() -> dict[str, list[float]]:
        expressions = {"e1": "FILL(m1, 0) * 2", "e2": "MAX([m1, m2])", "e3": "IF(m1 > 2, 1, 0)", "e4": "SUM(METRICS())"}
        queries = [{"Id": id, "Expression": text} for id, text in expressions.items()]
        stats = {"m1": "Sum", "m2": "Minimum"}
        errors = [watch.query(id, stat) for id, stat in stats.items()]
        latencies = [watch.query(stat, stat, "Latency") for stat in ("p50", "p100")]
        return watch.data(*errors, *queries, *latencies)

    watch.account.wait_until(lambda: len(values()["m1"]) == 2)
    found = values()
    assert (found["m1"], found["e2"], found["e3"]) == ([1.0, 3.0], [1.0, 3.0], [0.0, 1.0])
    assert [value for value in found["e1"] if value] == [2.0, 6.0]
    assert found["p100"] == [40.0]
    assert 20.0 <= found["p50"][0] <= 30.0
    (listed,) = watch.client.list_metrics(Namespace=watch.namespace, MetricName="Errors")["Metrics"]
    assert listed["Dimensions"] == DIMENSIONS


def test_metric_statistics_add_up_what_was_put_in_all_forms(watch: Watch) -> None:
    summary = {"SampleCount": 2.0, "Sum": 30.0, "Minimum": 10.0, "Maximum": 20.0}
    moment = watch.now() - timedelta(seconds=MINUTE)
    data = [{"MetricName": "Errors", "Dimensions": DIMENSIONS, "Timestamp": moment, "StatisticValues": summary}]
    watch.client.put_metric_data(Namespace=watch.namespace, MetricData=data)
    watch.put(1.0, 5.0, ago=MINUTE, Counts=[2.0, 1.0])

    def points() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = watch.client.get_metric_statistics(
            **watch.metric(), StartTime=moment - timedelta(hours=1), EndTime=watch.now() + timedelta(minutes=5),
            Period=86400, Statistics=["SampleCount", "Sum", "Minimum", "Maximum", "Average"],
        )["Datapoints"]  # fmt: skip
        return found

    watch.account.wait_until(lambda: sum(point["SampleCount"] for point in points()) == 5.0)
    assert sum(point["Sum"] for point in points()) == 37.0
    assert (min(point["Minimum"] for point in points()), max(point["Maximum"] for point in points())) == (1.0, 20.0)


def test_data_that_cloudwatch_refuses_are_refused(watch: Watch) -> None:
    with pytest.raises(ClientError):
        watch.put(1.0, ago=400 * 86400)
    with pytest.raises(ClientError):
        watch.put(float("nan"))
    watch.namespace = "AWS/SageMaker"
    with pytest.raises(ClientError):
        watch.put(1.0)


def test_log_events_carry_metrics_in_the_embedded_format(watch: Watch) -> None:
    logs, group = watch.account.client("logs"), f"/aws/lambda/{watch.account.unique('f')}"
    logs.create_log_group(logGroupName=group)
    watch.account.later(logs.delete_log_group, logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    now = int(time.time() * 1000)
    first = {"Namespace": watch.namespace, "Dimensions": [["model"], []], "Metrics": [{"Name": "psi"}]}
    second = {"Namespace": watch.namespace, "Dimensions": [["model"]], "Metrics": [{"Name": "ks", "Unit": "Percent"}]}
    document = {"_aws": {"Timestamp": now, "CloudWatchMetrics": [first, second]}}
    good = document | {"model": "flights", "psi": [0.1, 0.3], "ks": 5}
    bad = [
        {"_aws": {"Timestamp": now, "CloudWatchMetrics": [{"Namespace": watch.namespace}]}, "psi": 1},
        {"_aws": {"CloudWatchMetrics": [first]}, "model": "flights", "psi": 100},
        document | {"model": "flights", "psi": "a lot", "ks": None},
    ]
    lines = [*(json.dumps(line) for line in (good, *bad)), "a plain line", '{"_aws": broken']
    events = [{"timestamp": now, "message": line} for line in lines]
    assert "rejectedLogEventsInfo" not in logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    def listed() -> list[tuple[str, int]]:
        found = watch.client.list_metrics(Namespace=watch.namespace)["Metrics"]
        return sorted((metric["MetricName"], len(metric["Dimensions"])) for metric in found)

    watch.account.wait_until(lambda: listed() == [("ks", 1), ("psi", 0), ("psi", 1)])
    read = logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)["events"]
    assert [event["message"] for event in read] == lines


def test_a_dashboard_is_kept(watch: Watch) -> None:
    name, body = watch.account.unique("board"), json.dumps({"widgets": []})
    watch.client.put_dashboard(DashboardName=name, DashboardBody=body)
    watch.account.later(watch.client.delete_dashboards, DashboardNames=[name])
    assert json.loads(watch.client.get_dashboard(DashboardName=name)["DashboardBody"]) == {"widgets": []}


ANSWER = """
import json, os
import boto3

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""


def test_an_alarm_invokes_a_function_that_lets_it(watch: Watch) -> None:
    account, (url, arn) = watch.account, watch.account.queue()
    function = account.function(ANSWER, allow("sqs:SendMessage", on=arn), Environment={"Variables": {"QUEUE": url}})
    account.client("lambda").add_permission(
        FunctionName=function,
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
    )
    name = watch.alarm(AlarmActions=[function])
    watch.becomes(name, "OK")
    watch.client.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    sqs = account.client("sqs")
    (message,) = account.wait_until(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    event = json.loads(message["Body"])
    assert (event["source"], event["accountId"]) == ("aws.cloudwatch", account.number)
    assert event["alarmData"]["alarmName"] == name
    assert event["alarmData"]["state"]["reason"] == "a drill"
    assert event["alarmData"]["previousState"]["value"] == "OK"
    actions = watch.client.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert "Successfully executed action" in actions[0]["HistorySummary"]
