"""EventBridge, Scheduler and S3's events on the running local cloud."""

import json
import statistics
import time
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .events_support import ACCOUNT, Stage, unique

PASS: dict[str, Any] = {"Done": {"Type": "Pass", "End": True}}


@pytest.fixture(scope="module")
def stage(own_cloud: LocalCloud) -> Stage:
    return Stage(own_cloud)


def only_execution(stage: Stage, machine: str) -> dict[str, Any]:
    sfn = stage.cloud.client("stepfunctions")
    found = wait_until(lambda: sfn.list_executions(stateMachineArn=machine)["executions"], 15)
    return stage.ended(found[0]["executionArn"])


def test_a_rule_starts_a_state_machine_with_its_role_and_the_transformed_input(stage: Stage) -> None:
    machine = stage.machine(PASS)
    transformer = {
        "InputPathsMap": {"key": "$.detail.key", "size": "$.detail.size"},
        "InputTemplate": '{"key": <key>, "note": "<size> bytes", "rule": "<aws.events.rule-name>"}',
    }
    role = stage.role("events.amazonaws.com")
    pattern = {"source": ["drops"], "detail": {"size": [{"numeric": [">", 10]}]}}
    rule = stage.rule(pattern, Arn=machine, RoleArn=role, InputTransformer=transformer)
    stage.put_event({"key": "small", "size": 1}, source="drops")
    stage.put_event({"key": "in/a.csv", "size": 300}, source="drops")
    started = only_execution(stage, machine)
    assert json.loads(started["input"]) == {"key": "in/a.csv", "note": "300 bytes", "rule": rule}


def test_a_disabled_rule_does_nothing_until_it_is_enabled(stage: Stage) -> None:
    queue, events = stage.queue(), stage.cloud.client("events")
    rule = stage.rule({"source": ["switch"]}, Arn=queue.arn)
    events.disable_rule(Name=rule)
    stage.put_event({"n": 1}, source="switch")
    events.enable_rule(Name=rule)
    stage.put_event({"n": 2}, source="switch")
    assert [body["detail"] for body in queue.bodies()] == [{"n": 2}]


def test_a_target_that_does_not_exist_goes_to_the_dead_letter_queue_at_once(stage: Stage) -> None:
    dead = stage.queue()
    missing = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:absent"
    rule = stage.rule({"source": ["lost"]}, Arn=missing, DeadLetterConfig={"Arn": dead.arn})
    stage.put_event({"n": 1}, source="lost")
    (message,) = dead.receive()
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"])["detail"] == {"n": 1}
    assert attributes["RULE_ARN"].endswith(f":rule/{rule}")
    assert (attributes["TARGET_ARN"], attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == (
        missing,
        "NO_RESOURCE",
        "0",
    )


def test_a_role_that_events_may_not_assume_goes_to_the_dead_letter_queue(stage: Stage) -> None:
    dead, machine = stage.queue(), stage.machine(PASS)
    role = f"arn:aws:iam::{ACCOUNT}:role/absent"
    stage.rule({"source": ["no-role"]}, Arn=machine, RoleArn=role, DeadLetterConfig={"Arn": dead.arn})
    stage.put_event({"n": 1}, source="no-role")
    (message,) = dead.receive()
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "FAILED_TO_ASSUME_ROLE"


def test_events_of_one_call_have_their_own_ids_and_virtual_times(stage: Stage) -> None:
    queue = stage.queue()
    stage.rule({"source": ["many"]}, Arn=queue.arn)
    entries = [{"Source": "many", "DetailType": "x", "Detail": json.dumps({"n": n})} for n in range(5)]
    answer = stage.cloud.client("events").put_events(Entries=entries)
    bodies = queue.bodies(5)
    assert {body["id"] for body in bodies} == {entry["EventId"] for entry in answer["Entries"]}
    now = datetime.fromisoformat(stage.cloud.now())
    assert all(now - datetime.fromisoformat(body["time"]) < timedelta(seconds=30) for body in bodies)


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"Source": "aws.s3", "DetailType": "x", "Detail": "{}"}, "NotAuthorizedForSourceException"),
        ({"Source": "a", "DetailType": "x", "Detail": "[1]"}, "MalformedDetail"),
        ({"Source": "a", "Detail": "{}"}, "InvalidArgument"),
    ],
)
def test_entries_that_events_does_not_take_are_answered_with_their_error(
    stage: Stage, entry: dict[str, str], code: str
) -> None:
    answer = stage.cloud.client("events").put_events(Entries=[entry])
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, code)


def test_what_cannot_run_is_refused_when_it_is_put(stage: Stage) -> None:
    events, scheduler = stage.cloud.client("events"), stage.cloud.client("scheduler")
    with pytest.raises(ClientError, match="Unrecognized match type"):
        events.put_rule(Name="bad", EventPattern=json.dumps({"source": [{"glob": "*"}]}))
    with pytest.raises(ClientError, match="ScheduleExpression"):
        events.put_rule(Name="bad", ScheduleExpression="rate(1 minutes)")
    events.put_rule(Name="good", EventPattern=json.dumps({"source": ["a"]}))
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"
    stream = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
    for arn, reason in ((stream, "does not run targets"), (machine, "RoleArn is required")):
        with pytest.raises(ClientError, match=reason):
            events.put_targets(Rule="good", Targets=[{"Id": "t", "Arn": arn}])
    with pytest.raises(ClientError, match="Invalid Schedule Expression"):
        scheduler.create_schedule(
            Name="bad",
            ScheduleExpression="cron(61 * * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": machine, "RoleArn": "arn:aws:iam::123456789012:role/r"},
        )


def test_a_pattern_can_be_tried_without_a_rule(stage: Stage) -> None:
    event = {
        "id": "1", "account": ACCOUNT, "source": "a", "time": "2024-05-01T00:00:00Z", "region": "us-east-1",
        "resources": [], "detail-type": "x", "detail": {"n": 5},
    }  # fmt: skip
    events = stage.cloud.client("events")
    for wanted, expected in ((5, True), (6, False)):
        pattern = json.dumps({"detail": {"n": [{"numeric": ["=", wanted]}]}})
        assert events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"] is expected


def test_every_write_to_a_bucket_is_exactly_one_event_in_awss_shape(stage: Stage) -> None:
    queue, s3, bucket = stage.queue(), stage.cloud.client("s3"), stage.bucket(versioned=True)
    stage.rule({"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, Arn=queue.arn)
    version = s3.put_object(Bucket=bucket, Key="in/a.csv", Body=b"12345", Tagging="a=b")["VersionId"]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "in/a.csv"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload=parts)
    s3.delete_object(Bucket=bucket, Key="copy")
    s3.delete_object(Bucket=bucket, Key="in/a.csv", VersionId=version)
    bodies = sorted(queue.bodies(5), key=lambda body: body["detail"]["object"]["sequencer"])
    assert [(body["detail-type"], body["detail"]["reason"]) for body in bodies] == [
        ("Object Created", "PutObject"),
        ("Object Created", "CopyObject"),
        ("Object Created", "CompleteMultipartUpload"),
        ("Object Deleted", "DeleteObject"),
        ("Object Deleted", "DeleteObject"),
    ]
    put = bodies[0]
    assert put["resources"] == [f"arn:aws:s3:::{bucket}"]
    assert put["detail"]["bucket"] == {"name": bucket}
    assert put["detail"]["object"] == {
        "key": "in/a.csv",
        "size": 5,
        "etag": "827ccb0eea8a706c4c34a16891f84e7b",
        "version-id": version,
        "sequencer": put["detail"]["object"]["sequencer"],
    }
    assert bodies[3]["detail"]["deletion-type"] == "Delete Marker Created"
    assert bodies[4]["detail"]["deletion-type"] == "Permanently Deleted"
    assert len({body["id"] for body in bodies}) == 5
    assert queue.is_empty()


def test_an_unversioned_bucket_sends_no_version_and_a_silent_one_no_event(stage: Stage) -> None:
    queue, s3, bucket = stage.queue(), stage.cloud.client("s3"), stage.bucket()
    stage.rule({"source": ["aws.s3"]}, Arn=queue.arn)
    s3.put_object(Bucket=stage.bucket(events=False), Key="quiet", Body=b"1")
    s3.put_object(Bucket=bucket, Key="loud", Body=b"1")
    (body,) = queue.bodies()
    assert body["detail"]["object"]["key"] == "loud"
    assert "version-id" not in body["detail"]["object"]
    assert queue.is_empty()


def test_an_object_starts_an_execution_within_a_second(stage: Stage, record_property: Any) -> None:
    bucket, s3, sfn = stage.bucket(), stage.cloud.client("s3"), stage.cloud.client("stepfunctions")
    machine = stage.machine(PASS)
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [bucket]}}}
    stage.rule(pattern, Arn=machine, RoleArn=stage.role("events.amazonaws.com"))

    def latency(count: int) -> float:
        began = time.monotonic()
        s3.put_object(Bucket=bucket, Key=f"drop-{count}", Body=b"1")
        wait_until(lambda: len(sfn.list_executions(stateMachineArn=machine)["executions"]) == count, 15)
        return time.monotonic() - began

    latencies = [latency(count) for count in range(1, 6)]
    record_property("put_to_execution_seconds", round(statistics.median(latencies), 3))
    assert statistics.median(latencies) < 1.0


def test_a_jump_of_the_clock_fires_every_missed_tick_once(stage: Stage) -> None:
    queue, events = stage.queue(), stage.cloud.client("events")
    name = unique("hourly")
    events.put_rule(Name=name, ScheduleExpression="rate(1 hour)")
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue.arn}])
    scheduled = stage.queue()
    stage.cloud.client("scheduler").create_schedule(
        Name=unique("nightly"),
        ScheduleExpression="cron(0 2 * * ? *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": scheduled.arn,
            "RoleArn": stage.role("scheduler.amazonaws.com"),
            "Input": json.dumps(
                {
                    "at": "<aws.scheduler.scheduled-time>",
                    "run": "<aws.scheduler.execution-id>",
                    "n": "<aws.scheduler.attempt-number>",
                }
            ),
        },
    )
    stage.cloud.advance(24 * 3600)
    times = sorted(datetime.fromisoformat(body["time"]) for body in queue.bodies(24))
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(hours=1)}
    assert queue.is_empty()
    (run,) = scheduled.bodies(1)
    assert run["at"].endswith(("T00:00:00Z", "T01:00:00Z"))
    assert (len(run["run"]), run["n"]) == (16, "1")
    events.remove_targets(Rule=name, Ids=["queue"])
    events.delete_rule(Name=name)


def test_a_one_time_schedule_fires_once_and_removes_itself(stage: Stage) -> None:
    scheduler, queue, name = stage.cloud.client("scheduler"), stage.queue(), unique("once")
    due = datetime.fromisoformat(stage.cloud.now()) + timedelta(hours=2)
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({due.strftime('%Y-%m-%dT%H:%M:%S')})",
        ActionAfterCompletion="DELETE",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue.arn, "RoleArn": stage.role("scheduler.amazonaws.com"), "Input": '{"once": true}'},
    )
    stage.cloud.advance(3 * 3600)
    assert queue.bodies() == [{"once": True}]
    wait_until(lambda: name not in [found["Name"] for found in scheduler.list_schedules()["Schedules"]], 5)


def test_a_schedule_whose_target_fails_leaves_its_input_in_the_dead_letter_queue(stage: Stage) -> None:
    dead = stage.queue()
    missing = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:absent"
    stage.cloud.client("scheduler").create_schedule(
        Name=unique("broken"),
        ScheduleExpression="rate(365 days)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": missing,
            "RoleArn": stage.role("scheduler.amazonaws.com"),
            "Input": '{"a": 1}',
            "DeadLetterConfig": {"Arn": dead.arn},
        },
    )
    (message,) = dead.receive()
    attributes = {key: value["StringValue"] for key, value in message["MessageAttributes"].items()}
    assert json.loads(message["Body"]) == {"a": 1}
    assert (attributes["TARGET_ARN"], attributes["ERROR_CODE"]) == (missing, "NO_RESOURCE")
    assert {"SCHEDULE_ARN", "SCHEDULED_TIME", "EXECUTION_ID"} <= attributes.keys()
