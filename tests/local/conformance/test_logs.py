"""CloudWatch Logs: reading and filtering, retention, keys."""

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account

pytestmark = pytest.mark.cloudwatch

DAY = 86400


@pytest.fixture
def group(account: Account) -> str:
    """A log group with the streams a and b."""
    logs, name = account.client("logs"), account.unique("group")
    logs.create_log_group(logGroupName=name)
    account.later(logs.delete_log_group, logGroupName=name)
    for stream in ("a", "b"):
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    return name


def write(account: Account, group: str, stream: str, *messages: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + index, "message": message} for index, message in enumerate(messages)]
    account.client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def found(account: Account, group: str, **more: Any) -> list[str]:
    pages = account.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, **more)
    return [event["message"] for page in pages for event in page["events"]]


@pytest.mark.parametrize(
    ("pattern", "messages"),
    [
        ("", ["ERROR a b", "WARN a", "INFO b"]),
        ("ERROR", ["ERROR a b"]),
        ("a b", ["ERROR a b"]),
        ('"a b"', ["ERROR a b"]),
        ("?ERROR ?WARN", ["ERROR a b", "WARN a"]),
        ("a -ERROR", ["WARN a"]),
    ],
)
def test_events_are_found_by_their_terms(account: Account, group: str, pattern: str, messages: list[str]) -> None:
    write(account, group, "a", "ERROR a b", "WARN a")
    write(account, group, "b", "INFO b")
    account.wait_until(lambda: sorted(found(account, group, filterPattern=pattern)) == sorted(messages))


def test_a_stream_is_read_forwards_in_pages(account: Account, group: str) -> None:
    write(account, group, "a", *[f"line {index}" for index in range(5)])
    logs = account.client("logs")

    def page(**more: Any) -> dict[str, Any]:
        asked = {"logGroupName": group, "logStreamName": "a", "limit": 3, "startFromHead": True}
        answer: dict[str, Any] = logs.get_log_events(**asked, **more)
        return answer

    account.wait_until(lambda: len(page()["events"]) == 3)
    first = page()
    second = page(nextToken=first["nextForwardToken"])
    assert [event["message"] for event in first["events"] + second["events"]] == [f"line {n}" for n in range(5)]
    last = page(nextToken=second["nextForwardToken"])
    assert (last["events"], last["nextForwardToken"]) == ([], second["nextForwardToken"])


def test_a_group_says_how_long_it_keeps_events(account: Account, group: str) -> None:
    logs = account.client("logs")
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["retentionInDays"] == 7
    write(account, group, "a", "kept")
    account.wait_until(lambda: found(account, group) == ["kept"])


def test_a_key_that_logs_may_not_use_is_refused(account: Account, group: str) -> None:
    logs, kms = account.client("logs"), account.client("kms")
    key = kms.create_key()["KeyMetadata"]
    account.later(kms.schedule_key_deletion, KeyId=key["KeyId"], PendingWindowInDays=7)
    name = account.unique("encrypted")
    with pytest.raises(ClientError, match="does not exist or is not allowed") as refused:
        logs.create_log_group(logGroupName=name, kmsKeyId=key["Arn"])
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    own = f"arn:aws:logs:{account.region}:{account.number}:log-group:*"
    statements = [
        {"Principal": {"AWS": f"arn:aws:iam::{account.number}:root"}, "Action": "kms:*"},
        {
            "Principal": {"Service": f"logs.{account.region}.amazonaws.com"},
            "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": own}},
        },
    ]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Resource": "*", **statement} for statement in statements],
    }
    kms.put_key_policy(KeyId=key["KeyId"], PolicyName="default", Policy=json.dumps(policy))
    logs.create_log_group(logGroupName=name, kmsKeyId=key["Arn"])
    account.later(logs.delete_log_group, logGroupName=name)
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert shown["kmsKeyId"] == key["Arn"]
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key["Arn"])
    logs.disassociate_kms_key(logGroupName=group)
