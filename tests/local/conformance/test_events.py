"""EventBridge and S3's events: what matches, what arrives where, and what becomes of the rest."""

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account, allow
from .bus import attributes, bodies, bus, put, queue_for, rule

pytestmark = pytest.mark.events

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "123456789012",
    "time": "2024-05-01T00:00:00Z",
    "region": "us-east-1",
    "resources": ["arn:aws:s3:::drops", "arn:aws:s3:::more"],
    "detail": {
        "key": "in/2024-05.csv",
        "size": 300,
        "ip": "10.0.1.7",
        "nothing": None,
        "done": True,
        "tags": [],
        "parts": [{"kind": "a", "count": 1}, {"kind": "b", "count": 2}],
        "deep": {"name": "Drops"},
    },
}
NOBODY = {"Type": "Pass", "End": True}


def detail(**wanted: Any) -> dict[str, Any]:
    return {"detail": wanted}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.ec2", "aws.s3"], "region": ["us-east-1"]}, True),
        ({"resources": ["arn:aws:s3:::more"]}, True),
        (detail(size=[3.0e2]), True),
        (detail(size=["300"]), False),
        (detail(nothing=[None], done=[True]), True),
        (detail(key=[{"prefix": "in/"}]), True),
        (detail(key=[{"prefix": {"equals-ignore-case": "IN/"}}]), True),
        (detail(key=[{"suffix": ".csv"}]), True),
        (detail(key=[{"suffix": {"equals-ignore-case": ".CSV"}}]), True),
        (detail(key=[{"wildcard": "in/*.csv"}]), True),
        (detail(deep={"name": [{"equals-ignore-case": "drops"}]}), True),
        ({"detail.deep.name": ["Drops"]}, True),
        (detail(size=[{"numeric": [">", 0, "<=", 300]}]), True),
        (detail(size=[{"numeric": ["=", 299]}]), False),
        (detail(ip=[{"cidr": "10.0.0.0/16"}]), True),
        (detail(ip=[{"cidr": "10.1.0.0/16"}]), False),
        (detail(key=[{"anything-but": ["a", "b"]}], size=[{"anything-but": 5}]), True),
        (detail(key=[{"anything-but": {"prefix": "in/"}}]), False),
        (detail(key=[{"anything-but": {"suffix": [".txt", ".json"]}}]), True),
        (detail(key=[{"anything-but": {"wildcard": "in/*"}}]), False),
        (detail(deep={"name": [{"anything-but": {"equals-ignore-case": ["DROPS"]}}]}), False),
        (detail(missing=[{"anything-but": "x"}]), False),
        (detail(key=[{"exists": True}], missing=[{"exists": False}], tags=[{"exists": False}]), True),
        (detail(deep=[{"exists": True}]), False),
        (detail(parts={"kind": ["a"], "count": [2]}), False),
        (detail(parts={"kind": ["b"], "count": [2]}), True),
        ({"$or": [{"source": ["x"]}, detail(size=[300])]}, True),
        (detail(**{"$or": [{"size": [1]}, {"key": ["x"]}]}), False),
    ],
)
def test_a_pattern_matches_as_aws_says(account: Account, pattern: dict[str, Any], expected: bool) -> None:
    answer = account.client("events").test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))
    assert answer["Result"] is expected


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (detail(a=[{"glob": "*"}]), "Unrecognized match type glob"),
        (detail(a=[]), "Empty arrays are not allowed"),
        ({"source": "aws.s3"}, '"source" must be an object or an array'),
        (detail(a=[{"prefix": 1}]), "prefix match pattern must be a string"),
        (detail(a=[{"anything-but": [None]}]), ""),
        (detail(a=[{"anything-but": {"suffix": ""}}]), ""),
        (detail(a=[{"numeric": [">", 0, ">", 1]}]), ""),
        (detail(a=[{"cidr": "10.0.0.0"}]), "Malformed CIDR, one '/' required"),
        (detail(a=[{"wildcard": "a**b"}]), ""),
    ],
)
def test_an_invalid_pattern_is_refused(account: Account, pattern: dict[str, Any], reason: str) -> None:
    with pytest.raises(ClientError, match=f"Event pattern is not valid. Reason: {reason}") as refused:
        account.client("events").put_rule(Name=account.unique("rule"), EventPattern=json.dumps(pattern))
    assert refused.value.response["Error"]["Code"] == "InvalidEventPatternException"


def test_events_are_taken_one_by_one_and_reach_the_rules_of_their_bus(account: Account) -> None:
    (url, arn), (other_url, other_arn), name = queue_for(account), queue_for(account), bus(account)
    source = account.unique("source")
    rule(account, {"source": [source]}, {"Arn": arn}, EventBusName=name)
    rule(account, {"source": [source]}, {"Arn": other_arn})
    entry = {"Source": source, "DetailType": "Test", "Detail": '{"n": 1}', "EventBusName": name}
    absent = account.unique("bus")
    changes = ({}, {"Detail": "[1]"}, {"DetailType": ""}, {"Source": "aws.s3"}, {"EventBusName": absent})
    answer = account.client("events").put_events(Entries=[entry | change for change in changes])
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == [None, "MalformedDetail", "InvalidArgument", "NotAuthorizedForSourceException", None]
    assert answer["FailedEntryCount"] == 3
    (event,) = bodies(account, url)
    assert (event["id"], event["detail"], event["account"]) == (
        answer["Entries"][0]["EventId"], {"n": 1}, account.number
    )  # fmt: skip
    assert event.keys() == EVENT.keys()
    put(account, source, {"n": 2})
    assert [event["detail"] for event in bodies(account, other_url)] == [{"n": 2}]


def test_a_request_with_more_than_a_megabyte_of_entries_is_refused(account: Account) -> None:
    source, half = account.unique("source"), "x" * 500_000
    assert put(account, source, half[:1000], {"a": half})["FailedEntryCount"] == 1
    with pytest.raises(ClientError, match="Total size of the entries in the request is over the limit"):
        put(account, source, {"a": half}, {"a": half}, {"a": half})


def test_a_disabled_rule_sees_nothing(account: Account) -> None:
    url, arn = queue_for(account)
    source, events = account.unique("source"), account.client("events")
    name = rule(account, {"source": [source]}, {"Arn": arn}, State="DISABLED")
    put(account, source, {"n": 1})
    account.pass_time(2)
    events.enable_rule(Name=name)
    account.wait_until(lambda: put(account, source, {"n": 2}) and bodies_now(account, url) == [{"n": 2}], 10)


def bodies_now(account: Account, url: str) -> list[Any]:
    """The details of what is in the queue at present, each once; none yet is an empty list."""
    messages = account.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
    return [json.loads(message["Body"])["detail"] for message in messages]


def test_targets_are_sent_what_their_input_says(account: Account) -> None:
    source, queues = account.unique("source"), [queue_for(account) for _ in range(4)]
    transformer = {
        "InputPathsMap": {"n": "$.detail.n", "name": "$.detail.name", "none": "$.detail.none"},
        "InputTemplate": '{"n": <n>, "text": "<name>!", "none": <none>, "rule": "<aws.events.rule-name>"}',
    }
    inputs: tuple[dict[str, Any], ...] = (
        {}, {"Input": '{"fixed": true}'}, {"InputPath": "$.detail.items[1]"}, {"InputTransformer": transformer}
    )  # fmt: skip
    targets = [{"Arn": arn, **given} for (_, arn), given in zip(queues, inputs, strict=True)]
    name = rule(account, {"source": [source]}, *targets)
    put(account, source, {"n": 7, "name": 'a "b"', "items": [1, {"two": 2}]})
    whole, fixed, part, made = (bodies(account, url)[0] for url, _ in queues)
    assert (whole["source"], fixed, part) == (source, {"fixed": True}, {"two": 2})
    assert made == {"n": 7, "text": 'a "b"!', "none": "", "rule": name}


def test_targets_that_cannot_work_are_refused(account: Account) -> None:
    events, (_, arn) = account.client("events"), queue_for(account)
    name = rule(account, {"source": [account.unique("source")]}, *({"Arn": arn} for _ in range(5)))
    sixth = [{"Id": "sixth", "Arn": arn}]
    with pytest.raises(ClientError) as refused:
        events.put_targets(Rule=name, Targets=sixth)
    assert refused.value.response["Error"]["Code"] == "LimitExceededException"
    unknown = {"InputPathsMap": {}, "InputTemplate": '"<what>"'}
    with pytest.raises(ClientError, match="contains invalid placeholder what"):
        events.put_targets(Rule=name, Targets=[{"Id": "0", "Arn": arn, "InputTransformer": unknown}])


def machine(account: Account) -> str:
    """The ARN of a state machine that does nothing."""
    states = account.client("stepfunctions")
    made = states.create_state_machine(
        name=account.unique("machine"),
        definition=json.dumps({"StartAt": "Done", "States": {"Done": NOBODY}}),
        roleArn=account.role("states.amazonaws.com"),
    )["stateMachineArn"]
    account.later(states.delete_state_machine, stateMachineArn=made)
    return str(made)


def test_a_rule_starts_a_machine_only_with_a_role_that_may(account: Account) -> None:
    source, arn, (dead_url, dead_arn) = account.unique("source"), machine(account), queue_for(account)
    may = account.role("events.amazonaws.com", allow("states:StartExecution", on=arn))
    may_not = account.role("events.amazonaws.com", allow("states:StopExecution", on=arn))
    dead_letters = {"DeadLetterConfig": {"Arn": dead_arn}}
    name = rule(
        account, {"source": [source]}, *({"Arn": arn, "RoleArn": role, **dead_letters} for role in (may, may_not))
    )
    put(account, source, {"n": 1})
    states = account.client("stepfunctions")
    (started,) = account.wait_until(lambda: states.list_executions(stateMachineArn=arn)["executions"])
    described = states.describe_execution(executionArn=started["executionArn"])
    assert json.loads(described["input"])["detail"] == {"n": 1}
    (letter,) = account.receive(dead_url)
    said = attributes(letter)
    assert json.loads(letter["Body"])["detail"] == {"n": 1}
    assert (said["TARGET_ARN"], said["ERROR_CODE"], said["RETRY_ATTEMPTS"]) == (arn, "NO_PERMISSIONS", "0")
    assert said["RULE_ARN"].endswith(f":rule/{name}")


def test_a_queue_and_a_function_let_a_rule_in_by_their_policies(account: Account) -> None:
    source, (_, arn), (dead_url, dead_arn) = account.unique("source"), account.queue(), queue_for(account)
    function, functions = account.function("def handler(event, context):\n    return event"), account.client("lambda")
    dead_letters = {"DeadLetterConfig": {"Arn": dead_arn}}
    name = rule(account, {"source": [source]}, {"Arn": arn, **dead_letters}, {"Arn": function, **dead_letters})
    put(account, source, {"n": 1})
    letters = [attributes(letter) for letter in account.receive(dead_url, 2)]
    assert {(one["TARGET_ARN"], one["ERROR_CODE"]) for one in letters} == {
        (arn, "NO_PERMISSIONS"), (function, "NO_PERMISSIONS")
    }  # fmt: skip
    rule_arn = account.client("events").describe_rule(Name=name)["Arn"]
    functions.add_permission(
        FunctionName=function,
        StatementId="events",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule_arn,
    )
    logs, group = account.client("logs"), f"/aws/lambda/{function.split(':')[6]}"
    put(account, source, {"n": 2})
    account.wait_until(
        lambda: logs.describe_log_streams(logGroupName=group)["logStreams"] if group_exists(logs, group) else None, 20
    )


def group_exists(logs: Any, group: str) -> bool:
    return bool(logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])


def test_a_bus_passes_events_on_to_another_bus(account: Account) -> None:
    (url, arn), first, second = queue_for(account), bus(account), bus(account)
    source, events = account.unique("source"), account.client("events")
    second_arn = events.describe_event_bus(Name=second)["Arn"]
    role = account.role("events.amazonaws.com", allow("events:PutEvents", on=second_arn))
    rule(account, {"source": [source]}, {"Arn": second_arn, "RoleArn": role}, EventBusName=first)
    rule(account, {"source": [source]}, {"Arn": arn}, EventBusName=second)
    put(account, source, {"n": 1}, EventBusName=first)
    (event,) = bodies(account, url)
    assert (event["source"], event["detail-type"], event["detail"]) == (source, "Test", {"n": 1})


def test_every_write_to_a_bucket_is_exactly_one_event(account: Account) -> None:
    (url, arn), bucket, s3 = queue_for(account), account.bucket(), account.client("s3")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    rule(account, {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}, {"Arn": arn})
    account.pass_time(5)
    version = s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"12345", Tagging="a=b")["VersionId"]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "in/a b.csv"})
    upload = {"Bucket": bucket, "Key": "large", "UploadId": ""}
    upload["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    tag = s3.upload_part(**upload, PartNumber=1, Body=b"x" * 100)["ETag"]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})
    s3.put_object(Bucket=bucket, Key="in/a b.csv", Body=b"again")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "copy"}, {"Key": "large"}]})
    s3.delete_object(Bucket=bucket, Key="in/a b.csv", VersionId=version)
    events = sorted(bodies(account, url, 7), key=lambda event: event["detail"]["object"]["sequencer"])
    told = [(event["detail-type"], event["detail"]["reason"], event["detail"].get("deletion-type")) for event in events]
    assert sorted(told, key=str) == sorted(
        [
            ("Object Created", "PutObject", None),
            ("Object Created", "PutObject", None),
            ("Object Created", "CopyObject", None),
            ("Object Created", "CompleteMultipartUpload", None),
            ("Object Deleted", "DeleteObject", "Delete Marker Created"),
            ("Object Deleted", "DeleteObject", "Delete Marker Created"),
            ("Object Deleted", "DeleteObject", "Permanently Deleted"),
        ],
        key=str,
    )
    assert len({event["id"] for event in events}) == 7
    check_first_write(account, events, bucket, version)


def check_first_write(account: Account, events: list[dict[str, Any]], bucket: str, version: str) -> None:
    first, *others = [event for event in events if event["detail"]["object"]["key"] == "in/a b.csv"]
    sequencers = [event["detail"]["object"]["sequencer"] for event in (first, *others)]
    assert all(one < other for one, other in pairwise(sequencers))
    assert (first["resources"], first["account"]) == ([f"arn:aws:s3:::{bucket}"], account.number)
    written = first["detail"]
    assert written.keys() - {"event-version"} == {
        "version", "bucket", "object", "request-id", "requester", "source-ip-address", "reason"
    }  # fmt: skip
    assert (written["bucket"], written["requester"]) == ({"name": bucket}, account.number)
    assert written["object"] == {
        "key": "in/a b.csv",
        "size": 5,
        "etag": "827ccb0eea8a706c4c34a16891f84e7b",
        "version-id": version,
        "sequencer": sequencers[0],
    }


def test_a_rotated_key_and_in_the_local_cloud_a_deleted_one_are_events(account: Account) -> None:
    (url, arn), kms = queue_for(account), account.client("kms")
    key = kms.create_key()["KeyMetadata"]
    rule(account, {"source": ["aws.kms"], "resources": [key["Arn"]]}, {"Arn": arn})
    kms.rotate_key_on_demand(KeyId=key["KeyId"])
    (rotated,) = bodies(account, url)
    assert (rotated["detail-type"], rotated["detail"]["key-id"]) == ("KMS CMK Rotation", key["KeyId"])
    assert rotated["resources"] == [key["Arn"]]
    ends = kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)["DeletionDate"]
    assert abs(ends - account.now() - timedelta(days=7)) < timedelta(days=1)
    if account.local is not None:  # an account would take a week
        account.pass_time(7 * 86_400)
        assert bodies(account, url)[0]["detail-type"] == "KMS CMK Deletion"
