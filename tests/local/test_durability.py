"""kill -9 loses nothing that was answered; a restart goes on with everything, and says what it had to end."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.durability.durable import Durable
from localcloud.durability.store import Store, set_aside

from .conformance.account import Account, allow
from .conftest import ROOT, SWITCHING_PROGRAM, LocalCloud, wait_until
from .durability_support import BODY_TIMES, Places, Restarting, Written
from .events_support import Queue, Stage
from .inventory import inventory, lost
from .lambda_support import make_bench

ROUNDS = 2
NOT_MADE = {
    "configurations",
    "endpoints",
    "exports",
    "models",
    "packages",
    "processings",
    "stacks",
    "trainings",
}  # test_durability_work and the loop's test make them


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restarting]:
    made = Restarting(tmp_path_factory.mktemp("localcloud"), SWITCHING_PROGRAM)
    yield made
    made.stop()


def drained(cloud: LocalCloud, queue: str, at_least: int = 0) -> list[str]:
    """The bodies of all messages; waits until there are `at_least` so many different ones."""
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    bodies: list[str] = []

    def receive() -> bool:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies.extend(message["Body"] for message in messages)
        return not messages and len(set(bodies)) >= at_least

    wait_until(receive, 60, lambda: f"{len(set(bodies))} of {at_least} messages")
    return bodies


def assert_kept_once(found: list[str], written: Written) -> None:
    """Everything that was answered is there, nothing twice, and nothing that nobody sent."""
    assert [name for name, times in Counter(found).items() if times > 1] == []
    assert set(written.answered) <= set(found) <= set(written.sent)


@dataclass(frozen=True)
class Survived:
    """A cloud that was killed while twenty clients wrote, what they were told before, and what went on meanwhile."""

    cloud: LocalCloud
    places: Places
    written: dict[str, Written]
    execution: str
    schedule: Queue
    time: str
    deleted: str
    transaction: dict[str, Any]
    session: dict[str, str]


@pytest.fixture(scope="module")
def survived(running: Restarting) -> Survived:
    places = Places.make(running.cloud)
    writers = places.writers()
    for _ in range(ROUNDS - 1):
        writers.write_until(running, random.uniform(0.5, 1.5))
        running.start()
    stage = Stage(running.cloud)
    execution = stage.start(stage.machine({"Wait": {"Type": "Wait", "Seconds": 360_000, "End": True}}))
    schedule = hourly(stage)
    running.cloud.advance(86_400)
    schedule.receive(25)
    before = running.cloud.now()
    deleted, transaction = deleted_message(stage), addition(running.cloud, places.table)
    session = assumed(running.cloud)
    writers.write_until(running, random.uniform(0.5, 1.5))
    running.start()
    assert {kind: bool(one.answered) for kind, one in writers.written.items()} == dict.fromkeys(writers.kinds, True)
    return Survived(running.cloud, places, writers.written, execution, schedule, before, deleted, transaction, session)


def deleted_message(stage: Stage) -> str:
    """The queue and the receipt handle of a message that is deleted."""
    queue = stage.queue()
    queue.client.send_message(QueueUrl=queue.url, MessageBody="")
    (message,) = queue.receive()
    return f"{queue.url.rsplit('/', 1)[-1]} {message['ReceiptHandle']}"


def addition(cloud: LocalCloud, table: str) -> dict[str, Any]:
    """A transaction with a client token, which has been carried out."""
    update = {
        "TableName": table,
        "Key": {"id": {"S": "once"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    transaction = {"TransactItems": [{"Update": update}], "ClientRequestToken": "token"}
    cloud.client("dynamodb").transact_write_items(**transaction)
    return transaction


def assumed(cloud: LocalCloud) -> dict[str, str]:
    """Credentials of a role that may list buckets."""
    account = Account("us-east-1", "123456789012", cloud)
    owner = {"AWS": f"arn:aws:iam::{account.number}:root"}
    role = account.role("ec2.amazonaws.com", allow("s3:ListAllMyBuckets"), Principal=owner)
    given = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="kept")["Credentials"]
    return {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}


def hourly(stage: Stage) -> Queue:
    """The queue to which a schedule sends every hour, at once for the first time."""
    queue = stage.queue()
    stage.cloud.client("scheduler").create_schedule(
        Name="every-hour",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": queue.arn, "RoleArn": stage.role("scheduler.amazonaws.com"), "Input": "{}"},
    )
    return queue


def test_every_object_that_was_answered_is_there_after_a_kill(survived: Survived) -> None:
    s3, bucket = survived.cloud.client("s3"), survived.places.bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
    assert_kept_once(keys, survived.written["object"])
    newest = survived.written["object"].answered[-1]
    assert s3.get_object(Bucket=bucket, Key=newest)["Body"].read().decode() == newest * BODY_TIMES


def test_every_item_and_every_addition_is_there_after_a_kill(survived: Survived) -> None:
    scanned = survived.cloud.client("dynamodb").get_paginator("scan").paginate(TableName=survived.places.table)
    items = {item["id"]["S"]: item for page in scanned for item in page["Items"]}
    counted, written = int(items.pop("counter")["n"]["N"]), survived.written["item"]
    del items["once"]
    assert_kept_once(list(items), written)
    assert len(written.answered) <= counted <= len(written.sent)


def test_every_message_is_there_once_after_a_kill(survived: Survived) -> None:
    assert_kept_once(drained(survived.cloud, survived.places.queue), survived.written["message"])


def test_a_deleted_message_can_be_deleted_again_after_a_kill(survived: Survived) -> None:
    sqs, (name, handle) = survived.cloud.client("sqs"), survived.deleted.split()
    sqs.delete_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], ReceiptHandle=handle)


def test_a_transaction_that_is_sent_again_after_a_kill_does_not_act_again(survived: Survived) -> None:
    dynamodb, table = survived.cloud.client("dynamodb"), survived.places.table
    dynamodb.transact_write_items(**survived.transaction)
    assert dynamodb.get_item(TableName=table, Key={"id": {"S": "once"}})["Item"]["n"] == {"N": "1"}


def test_a_session_of_a_role_may_what_it_might_after_a_kill(survived: Survived) -> None:
    assert survived.cloud.client("s3", **survived.session).list_buckets()["Buckets"]
    with pytest.raises(ClientError, match="AccessDenied"):
        survived.cloud.client("s3", **survived.session).list_objects_v2(Bucket=survived.places.bucket)


def test_every_event_that_was_accepted_is_delivered_after_a_kill(survived: Survived) -> None:
    written = survived.written["event"]
    found = drained(survived.cloud, survived.places.events, len(written.answered))
    names = {json.loads(body)["detail"]["name"] for body in found}  # at least once, as EventBridge promises
    assert set(written.answered) <= names <= set(written.sent)


def test_every_execution_is_there_and_none_runs_after_a_kill(survived: Survived) -> None:
    states = survived.cloud.client("stepfunctions")
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=survived.places.machine)
    executions = {one["name"]: one["status"] for page in pages for one in page["executions"]}
    assert_kept_once(list(executions), survived.written["execution"])
    assert set(executions.values()) <= {"SUCCEEDED", "FAILED"}


def test_every_datum_is_there_after_a_kill(survived: Survived) -> None:
    now, written = datetime.fromisoformat(survived.cloud.now()), survived.written["datum"]
    points = survived.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="test",
        MetricName="n",
        StartTime=now - timedelta(days=2),
        EndTime=now + timedelta(days=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    assert len(written.answered) <= sum(point["Sum"] for point in points) <= len(written.sent)


def test_an_execution_that_ran_has_failed_with_a_reason(survived: Survived) -> None:
    ended = Stage(survived.cloud).ended(survived.execution)
    assert ended["status"] == "FAILED"
    assert "was stopped" in ended["cause"]


def test_virtual_time_goes_on_and_a_schedule_with_it(survived: Survived) -> None:
    assert survived.cloud.now() > survived.time
    name = survived.schedule.url.rsplit("/", 1)[-1]
    assert drained(survived.cloud, name) == []
    survived.cloud.advance(3 * 3600)
    assert wait_until(lambda: len(drained(survived.cloud, name)), 15) == 3


def test_whatever_was_made_is_there_after_a_kill(running: Restarting) -> None:
    make_one_of_each(running.cloud)
    assert running.cloud.admin("status")["not_kept"] == {}
    before = inventory(running.cloud)
    assert {kind for kind in before if not before[kind]} <= NOT_MADE
    assert lost(before, inventory(running.restart())) == {}


def make_one_of_each(cloud: LocalCloud) -> None:
    """Of every service, something that its records keep in a shape of their own."""
    make_keys_and_values(cloud)
    make_function(cloud)
    topic, queue = cloud.client("sns").create_topic(Name="kept")["TopicArn"], Stage(cloud).queue()
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    cloud.client("ecr").create_repository(repositoryName="kept")
    cloud.client("logs").create_log_group(logGroupName="kept")
    watch = cloud.client("cloudwatch")
    watch.put_dashboard(DashboardName="kept", DashboardBody='{"widgets": []}')
    how = {"EvaluationPeriods": 1, "Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    watch.put_metric_alarm(AlarmName="kept", Namespace="n", MetricName="m", Period=60, Statistic="Sum", **how)
    watch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(kept)")
    watch.set_alarm_state(AlarmName="kept", StateValue="ALARM", StateReason="told so")
    iam, statement = cloud.client("iam"), {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    iam.create_policy(PolicyName="kept", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statement}))


def make_keys_and_values(cloud: LocalCloud) -> None:
    """Keys of both kinds, a parameter and a secret that are encrypted, and an object that is."""
    kms, s3 = cloud.client("kms"), cloud.client("s3")
    kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
    kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::123456789012:root", Operations=["Decrypt"])
    ssm = cloud.client("ssm")
    for value in ("one", "two"):
        ssm.put_parameter(Name="/kept/secret", Value=value, Type="SecureString", KeyId=key, Overwrite=True)
    cloud.client("secretsmanager").create_secret(Name="kept", SecretString="secret", KmsKeyId=key)
    bucket = Stage(cloud).bucket(versioned=True)
    s3.put_object(Bucket=bucket, Key="kept", Body=b"kept", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)


def make_function(cloud: LocalCloud) -> None:
    """A function with a layer, a version, an alias and a queue."""
    bench, queue = make_bench(cloud), Stage(cloud).queue()
    layer = bench.layer({"python/extra.py": ""})
    name = bench.function("def handler(event, context):\n    return event", Layers=[layer])
    version = bench.api.publish_version(FunctionName=name)["Version"]
    bench.api.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    bench.api.create_event_source_mapping(FunctionName=name, EventSourceArn=queue.arn)


def test_a_stop_and_a_start_keep_everything_too(running: Restarting) -> None:
    running.cloud.client("ssm").put_parameter(Name="/kept", Value="yes", Type="String")
    running.stop()
    cloud = running.start()
    assert cloud.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "yes"


def test_fresh_sets_the_state_aside(tmp_path: Path) -> None:
    assert set_aside(tmp_path) is None
    for _ in range(2):
        Store(tmp_path / "state", "1").close()
        assert set_aside(tmp_path) == tmp_path / "state.old"
        assert not (tmp_path / "state").exists()
        assert (tmp_path / "state.old" / "state.db").exists()


def test_the_clock_is_told_until_when_the_process_may_have_lived(tmp_path: Path) -> None:
    durable = Durable(tmp_path, "1")
    durable.flush()
    assert time.time() + 4 < Durable(tmp_path, "1").last_seen < time.time() + 6  # it could say so once more
    durable.close()
    assert Durable(tmp_path, "1").last_seen <= time.time()


def test_the_file_of_a_state_that_was_large_is_small_at_the_next_start(tmp_path: Path) -> None:
    store = Store(tmp_path, "1")
    for value in (b"x" * 500_000, None):
        for number in range(80):
            store.put("part", (number,), value)
        store.put("part", ("kept",), b"kept")
        store.commit()
    store.close()
    file = tmp_path / "state.db"
    assert file.stat().st_size > 16_000_000
    again = Store(tmp_path, "1")
    assert list(again.rows("part")) == [(("kept",), b"kept")]
    again.close()
    assert file.stat().st_size < 100_000


def test_the_state_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    Store(tmp_path / "state", "0.0.1").close()
    command = [sys.executable, "-m", "localcloud", "--port", "0", "--state-dir", str(tmp_path)]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 2
    assert "written by another version" in refused.stderr
    assert "--fresh" in refused.stderr
