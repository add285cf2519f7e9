"""What the CloudFormation tests share: short ways to deploy, to look, and a queue that is cheap to make."""

import json
from typing import Any

from .account import Account

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}
BAD_QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not a name!"}}
DONE_SECONDS = 60


def template(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources} | sections)


def note(value: Any) -> dict[str, Any]:
    """A resource that keeps a value where a test can read it."""
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def settled(account: Account, stack: str) -> dict[str, Any]:
    cloudformation = account.client("cloudformation")

    def found() -> dict[str, Any] | None:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if described["StackStatus"].endswith("_IN_PROGRESS") else described

    return account.wait_until(found, DONE_SECONDS)  # type: ignore[no-any-return]


def change_set(account: Account, stack: str, body: str, kind: str = "UPDATE", **more: Any) -> dict[str, Any]:
    """A change set as it is when it has been computed; its stack is deleted after the test."""
    cloudformation, name = account.client("cloudformation"), account.unique("change")
    if kind == "CREATE":
        account.later(remove, account=account, stack=stack)
    made = cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, **more
    )

    def computed() -> dict[str, Any] | None:
        described: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=made["Id"])
        return described if described["Status"] in ("CREATE_COMPLETE", "FAILED") else None

    return account.wait_until(computed, DONE_SECONDS)  # type: ignore[no-any-return]


def deploy(account: Account, stack: str, body: str, kind: str = "CREATE", **more: Any) -> dict[str, Any]:
    """Deploys as the CDK does, by a change set, and gives the stack as it is afterwards."""
    changes = change_set(account, stack, body, kind, **more)
    assert changes["Status"] == "CREATE_COMPLETE", changes["StatusReason"]
    account.client("cloudformation").execute_change_set(ChangeSetName=changes["ChangeSetId"])
    return settled(account, changes["StackId"])


def delete(account: Account, stack_id: str) -> dict[str, Any]:
    account.client("cloudformation").delete_stack(StackName=stack_id)
    return settled(account, stack_id)


def remove(account: Account, stack: str) -> None:
    """The stack is gone, whatever state it was in."""
    cloudformation = account.client("cloudformation")
    for found in cloudformation.list_stacks()["StackSummaries"]:
        if found["StackName"] == stack and found["StackStatus"] != "DELETE_COMPLETE":
            delete(account, found["StackId"])


def resources_of(account: Account, stack: str) -> dict[str, str]:
    found = account.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def events_of(account: Account, stack: str, logical_id: str) -> list[dict[str, Any]]:
    """The events of a resource, oldest first."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [one for one in reversed(events) if one["LogicalResourceId"] == logical_id]


def statuses_of(account: Account, stack: str, logical_id: str) -> list[str]:
    """The statuses a resource went through, each once in a row."""
    seen = [one["ResourceStatus"] for one in events_of(account, stack, logical_id)]
    return [one for index, one in enumerate(seen) if index == 0 or seen[index - 1] != one]


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}


def queue_attribute(account: Account, url: str, name: str) -> str:
    found = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return str(found["Attributes"][name])


def noted(account: Account, stack: str, logical_id: str = "Note") -> str:
    """What a `note` of a stack keeps."""
    name = resources_of(account, stack)[logical_id]
    return str(account.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
