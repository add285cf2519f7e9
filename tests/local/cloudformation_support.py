"""What the CloudFormation tests share: a queue, and short ways to deploy and to look."""

import json
import uuid
from typing import Any

from .conftest import LocalCloud, wait_until

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 60}}

BAD_QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "not a name!"}}

DONE_SECONDS = 60


def template(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources} | sections)


def unique(prefix: str = "stack") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def settled(cloud: LocalCloud, stack: str) -> dict[str, Any]:
    cloudformation = cloud.client("cloudformation")

    def found() -> dict[str, Any] | None:
        described: dict[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if described["StackStatus"].endswith("_IN_PROGRESS") else described

    return wait_until(found, DONE_SECONDS)  # type: ignore[no-any-return]


def deploy(cloud: LocalCloud, stack: str, body: str, kind: str = "CREATE", **more: Any) -> dict[str, Any]:
    """Deploys as the CDK does, by a change set, and gives the stack as it is afterwards."""
    cloudformation = cloud.client("cloudformation")
    name = unique("change")
    made = cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=body, **more
    )
    cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName=name)
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    return settled(cloud, made["StackId"])


def resources_of(cloud: LocalCloud, stack: str) -> dict[str, str]:
    found = cloud.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in found}


def statuses_of(cloud: LocalCloud, stack: str, logical_id: str) -> list[str]:
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    return [one["ResourceStatus"] for one in reversed(events) if one["LogicalResourceId"] == logical_id]


def outputs_of(stack: dict[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
