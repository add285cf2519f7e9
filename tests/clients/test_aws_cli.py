"""The `aws` command line, version 1: the one that the package index has."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from .conftest import Client

TEMPLATE = """
Resources:
  Mail: {Type: AWS::SQS::Queue}
  Rows:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
Outputs:
  Rows: {Value: !Ref Rows}
  Mail: {Value: !Ref Mail}
"""


@pytest.fixture(scope="module")
def aws(client: Callable[[str], Client]) -> Client:
    return client("awscli")


def test_files_are_copied_synchronized_listed_and_removed(aws: Client) -> None:
    folder = aws.home / "files"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "big.bin").write_bytes(b"0123456789abcdef" * 600_000)  # in several parts
    aws.run("aws", "s3", "mb", "s3://cli-files")
    aws.run("aws", "s3", "sync", "files", "s3://cli-files/copy")
    listed = aws.run("aws", "s3", "ls", "--recursive", "s3://cli-files/")
    assert [line.split()[2:] for line in listed.splitlines()] == [["1", "copy/a.txt"], ["9600000", "copy/sub/big.bin"]]
    aws.run("aws", "s3", "cp", "s3://cli-files/copy/sub/big.bin", "back.bin")
    assert (aws.home / "back.bin").read_bytes() == (folder / "sub" / "big.bin").read_bytes()
    aws.run("aws", "s3", "rb", "--force", "s3://cli-files")
    assert "NoSuchBucket" in aws.run("aws", "s3", "ls", "s3://cli-files", succeeds=False)


def test_a_template_is_deployed_used_and_deleted(aws: Client) -> None:
    template: Path = aws.home / "template.yaml"
    template.write_text(TEMPLATE)
    aws.run("aws", "cloudformation", "deploy", "--template-file", template.name, "--stack-name", "cli")
    stack = json.loads(aws.run("aws", "cloudformation", "describe-stacks", "--stack-name", "cli"))["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    item = json.dumps({"id": {"S": "1"}})
    aws.run("aws", "dynamodb", "put-item", "--table-name", outputs["Rows"], "--item", item)
    count = aws.run("aws", "dynamodb", "scan", "--table-name", outputs["Rows"], "--query", "Count")
    assert count.strip() == "1"
    mail = ["--endpoint-url", aws.cloud.endpoint, "--queue-url", outputs["Mail"]]  # version 1 needs it for SQS
    aws.run("aws", "sqs", "send-message", *mail, "--message-body", "hello")
    body = ["--query", "Messages[0].Body", "--output", "text"]
    assert aws.run("aws", "sqs", "receive-message", *mail, *body).strip() == "hello"
    aws.run("aws", "cloudformation", "delete-stack", "--stack-name", "cli")
    aws.run("aws", "cloudformation", "wait", "stack-delete-complete", "--stack-name", "cli")


def test_log_events_are_found(aws: Client) -> None:
    stream = ["--log-group-name", "cli", "--log-stream-name", "one"]
    aws.run("aws", "logs", "create-log-group", *stream[:2])
    aws.run("aws", "logs", "create-log-stream", *stream)
    now = round(datetime.fromisoformat(aws.cloud.now()).timestamp() * 1000)
    events = json.dumps([{"timestamp": now, "message": text} for text in ("it works", "it does not")])
    aws.run("aws", "logs", "put-log-events", *stream, "--log-events", events)
    found = json.loads(aws.run("aws", "logs", "filter-log-events", *stream[:2], "--filter-pattern", "works"))
    assert [event["message"] for event in found["events"]] == ["it works"]
