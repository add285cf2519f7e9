"""Stacks outlive a server that is killed: finished ones as they were, others with an end that can be deployed again."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from .conftest import LocalCloud, start_local_cloud, wait_until

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}
SILENT = "def handler(event, context): pass"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
WAITING = {
    "Queue": QUEUE,
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.12",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": SILENT},
        },
    },
    "Waits": {
        "Type": "Custom::Waits",
        "DependsOn": "Queue",
        "Properties": {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}, "ServiceTimeout": 600},
    },
}


class Server:
    """A local cloud in a folder, which can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.cloud, self._process = start_local_cloud(folder)

    def kill_and_start(self) -> LocalCloud:
        self.kill()
        (self._folder / "server.json").unlink()
        self.cloud, self._process = start_local_cloud(self._folder)
        return self.cloud

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.kill()


def deploy(cloud: LocalCloud, stack: str, resources: dict[str, Any], operation: str = "create_stack") -> None:
    """The operation was asked for; it goes on while the test does, and the server may die meanwhile."""
    arguments = {"StackName": stack, "TemplateBody": json.dumps({"Resources": resources})}

    def ask() -> None:
        with contextlib.suppress(BotoCoreError):
            getattr(cloud.client("cloudformation"), operation)(**arguments, Capabilities=["CAPABILITY_IAM"])

    threading.Thread(target=ask, daemon=True).start()


def wait_for(cloud: LocalCloud, stack: str, status: str) -> None:
    def reached() -> bool:
        live = cloud.client("cloudformation").describe_stacks()["Stacks"]
        return any((one["StackName"], one["StackStatus"]) == (stack, status) for one in live)

    wait_until(reached, 30)


def wait_for_event(cloud: LocalCloud, stack: str, logical_id: str, status: str) -> None:
    def seen() -> bool:
        try:
            events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        except ClientError as error:
            if f"{stack} does not exist" not in str(error):
                raise
            return False  # the thread that asks for the operation is behind
        return any((e["LogicalResourceId"], e["ResourceStatus"]) == (logical_id, status) for e in events)

    wait_until(seen, 30)


def queues(cloud: LocalCloud) -> list[str]:
    return list(cloud.client("sqs").list_queues().get("QueueUrls", []))


def test_stacks_and_operations_that_were_cut_off_outlive_a_killed_server(server: Server) -> None:
    deploy(server.cloud, "done", {"Queue": QUEUE})
    wait_for(server.cloud, "done", "CREATE_COMPLETE")
    deploy(server.cloud, "making", WAITING)
    wait_for_event(server.cloud, "making", "Waits", "CREATE_IN_PROGRESS")
    deploy(server.cloud, "done", WAITING | {"Queue": QUEUE | {"Properties": {"VisibilityTimeout": 70}}}, "update_stack")
    wait_for_event(server.cloud, "done", "Waits", "CREATE_IN_PROGRESS")
    assert len(queues(server.cloud)) == 2

    cloud = server.kill_and_start()
    wait_for(cloud, "making", "ROLLBACK_COMPLETE")
    wait_for(cloud, "done", "UPDATE_ROLLBACK_COMPLETE")
    (url,) = queues(cloud)
    cloudformation = cloud.client("cloudformation")
    (found,) = cloudformation.describe_stacks(StackName="making")["Stacks"]
    assert "was stopped while this operation was under way" in found["StackStatusReason"]
    deploy(cloud, "done", {"Queue": QUEUE | {"Properties": {"VisibilityTimeout": 80}}}, "update_stack")
    wait_for(cloud, "done", "UPDATE_COMPLETE")
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert attributes["Attributes"]["VisibilityTimeout"] == "80"
    assert {one["LogicalResourceId"] for one in stack_resources(cloud, "done")} == {"Queue"}
    cloudformation.delete_stack(StackName="done")
    cloudformation.delete_stack(StackName="making")
    wait_until(lambda: not cloudformation.describe_stacks()["Stacks"], 30)
    assert queues(cloud) == []


def stack_resources(cloud: LocalCloud, stack: str) -> list[dict[str, Any]]:
    return list(cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"])
