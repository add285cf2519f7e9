"""Where a conformance test runs: the session's local cloud, or the AWS account of the environment's credentials."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.config import Config

from ..conftest import LocalCloud, wait_until

AWS_PATIENCE = 40
ROLE_PROPAGATION_SECONDS = 12
Statement = dict[str, Any]


def allow(*actions: str, on: str | list[str] = "*", **more: Any) -> Statement:
    """An IAM statement that allows `actions` on the resources `on`; `more` are its other elements."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


@dataclass
class Account:
    """One AWS account as a test sees it. What a test makes is undone after it, the last thing first."""

    region: str
    number: str
    local: LocalCloud | None
    undo: ExitStack = field(default_factory=ExitStack)

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client that does not retry; of the administrator, unless `key`, `secret` and `token` are given."""
        if self.local is not None:
            return self.local.client(service, self.region, **credentials)
        names = {"key": "aws_access_key_id", "secret": "aws_secret_access_key", "token": "aws_session_token"}
        make: Any = boto3.client
        settings = Config(retries={"total_max_attempts": 1})
        return make(
            service, self.region, config=settings, **{names[name]: value for name, value in credentials.items()}
        )

    def unique(self, name: str) -> str:
        """A name that nothing else in the account has."""
        return f"conformance-{name}-{uuid.uuid4().hex[:8]}"

    def later(self, action: Callable[..., Any], **arguments: Any) -> None:
        """`action(**arguments)` is called when the test has ended."""
        self.undo.callback(action, **arguments)

    def now(self) -> datetime:
        """The time in the account, in UTC."""
        return datetime.now(UTC) if self.local is None else datetime.fromisoformat(self.local.now())

    def pass_time(self, seconds: float) -> None:
        """`seconds` have passed: at once in the local cloud, really in an account."""
        if self.local is not None:
            self.local.advance(seconds)
        else:
            time.sleep(seconds)

    def wait_until(self, holds: Callable[[], Any], seconds: float = 15) -> Any:
        """The first true value of `holds`, polled; an account is given forty times as long."""
        return wait_until(holds, seconds if self.local is not None else seconds * AWS_PATIENCE)

    def role(self, service: str, *statements: Statement, **trust: Any) -> str:
        """The ARN of a new role that `service` (as "lambda.amazonaws.com") may assume, with these statements."""
        iam, name = self.client("iam"), self.unique("role")
        trusted = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **trust}
        created = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trusted))
        self.later(iam.delete_role, RoleName=name)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=_policy(*statements))
            self.later(iam.delete_role_policy, RoleName=name, PolicyName="test")
        if self.local is None:
            time.sleep(ROLE_PROPAGATION_SECONDS)
        return str(created["Role"]["Arn"])

    def as_role(self, service: str, *statements: Statement) -> Any:
        """A client of `service` that may do exactly what `statements` say."""
        role = self.role("ec2.amazonaws.com", *statements, Principal={"AWS": f"arn:aws:iam::{self.number}:root"})
        return self.client_of(role, service)

    def client_of(self, role: str, service: str, **session: Any) -> Any:
        """A client of `service` with a session of a role that the account may assume."""
        asked = {"RoleArn": role, "RoleSessionName": "conformance"} | session
        given = self.client("sts").assume_role(**asked)["Credentials"]
        return self.client(
            service, key=given["AccessKeyId"], secret=given["SecretAccessKey"], token=given["SessionToken"]
        )

    def bucket(self, **settings: Any) -> str:
        """A new bucket, which is emptied and deleted afterwards."""
        s3, name = self.client("s3"), self.unique("bucket")
        s3.create_bucket(Bucket=name, **settings)
        self.later(s3.delete_bucket, Bucket=name)
        self.later(self._empty, bucket=name)
        return name

    def queue(self, **attributes: str) -> tuple[str, str]:
        """The URL and ARN of a new queue."""
        sqs = self.client("sqs")
        url = str(sqs.create_queue(QueueName=self.unique("queue"), Attributes=attributes)["QueueUrl"])
        self.later(sqs.delete_queue, QueueUrl=url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        return url, str(arn)

    def receive(self, url: str, count: int = 1, seconds: float = 15) -> list[dict[str, Any]]:
        """The first `count` messages of a queue with all their attributes; they are deleted."""
        sqs, received = self.client("sqs"), list[dict[str, Any]]()

        def look() -> bool:
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"]
            )
            for message in answer.get("Messages", []):
                received.append(message)
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return len(received) >= count

        self.wait_until(look, seconds)
        return received

    def function(self, source: str, *statements: Statement, **settings: Any) -> str:
        """The ARN of a new Python function whose module is `source` and whose handler is `handler` in it."""
        name, functions = self.unique("function"), self.client("lambda")
        logs = allow("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents")
        created = functions.create_function(
            FunctionName=name,
            Role=self.role("lambda.amazonaws.com", logs, *statements),
            Code={"ZipFile": zipped({"index.py": source})},
            **{"Runtime": "python3.12", "Handler": "index.handler", "Timeout": 30} | settings,
        )
        self.later(functions.delete_function, FunctionName=name)
        functions.get_waiter("function_active_v2").wait(FunctionName=name)
        return str(created["FunctionArn"])

    def _empty(self, bucket: str) -> None:
        s3 = self.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            versions = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if versions:
                objects = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]
                s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})


def zipped(files: dict[str, str]) -> bytes:
    """A zip archive of text files by their names."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return written.getvalue()


def _policy(*statements: Statement) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
