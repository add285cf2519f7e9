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


def test_targets_that_nothing_would_run_are_refused(stage: Stage) -> None:
    events = stage.cloud.client("events")
    events.put_rule(Name="good", EventPattern=json.dumps({"source": ["a"]}))
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:m"
    stream = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/s"
    for arn, reason in ((stream, "does not run targets"), (machine, "RoleArn is required")):
        with pytest.raises(ClientError, match=reason):
            events.put_targets(Rule="good", Targets=[{"Id": "t", "Arn": arn}])


def test_archives_and_notifications_past_eventbridge_are_refused(stage: Stage) -> None:
    bus = f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/default"
    with pytest.raises(ClientError, match="nothing would act on it"):
        stage.cloud.client("events").create_archive(ArchiveName="a", EventSourceArn=bus)
    queue = {"QueueArn": stage.queue().arn, "Events": ["s3:ObjectCreated:*"]}
    with pytest.raises(ClientError, match="use EventBridgeConfiguration"):
        stage.cloud.client("s3").put_bucket_notification_configuration(
            Bucket=stage.bucket(), NotificationConfiguration={"QueueConfigurations": [queue]}
        )


def test_an_unversioned_bucket_sends_no_version_and_a_silent_one_no_event(stage: Stage) -> None:
    queue, s3, bucket = stage.queue(), stage.cloud.client("s3"), stage.bucket()
    stage.rule({"source": ["aws.s3"]}, Arn=queue.arn)
    s3.put_object(Bucket=stage.bucket(events=False), Key="quiet", Body=b"1")
    s3.put_object(Bucket=bucket, Key="loud", Body=b"1")
    (body,) = queue.bodies()
    assert body["detail"]["object"]["key"] == "loud"
    assert "version-id" not in body["detail"]["object"]
    assert queue.is_empty()


def test_an_object_starts_an_execution(stage: Stage, record_property: Any) -> None:
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


def test_a_fault_plan_drops_repeats_and_delays_events(stage: Stage) -> None:
    queue, cloud = stage.queue(), stage.cloud
    stage.rule({"source": ["faulty"]}, Arn=queue.arn)
    kinds = {"lost": {"kind": "drop"}, "twice": {"kind": "duplicate"}, "late": {"kind": "delay", "seconds": 600}}
    faults = [{"service": "faulty", "resource": name, **fault} for name, fault in kinds.items()]
    cloud.admin("faults", {"seed": 1, "faults": faults})
    try:
        for name in kinds:
            stage.put_event({"name": name}, source="faulty")
    finally:
        cloud.admin("faults", {"seed": 1, "faults": []})
    one, other = queue.bodies(2)
    assert one == other
    assert one["detail"] == {"name": "twice"}
    assert queue.is_empty()
    cloud.advance(601)
    assert [body["detail"] for body in queue.bodies()] == [{"name": "late"}]
    assert queue.is_empty()
