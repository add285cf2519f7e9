"""Custom resources: what a stack asks of a function, and what its answer does."""

from collections.abc import Callable
from typing import Any

import pytest

from .cloudformation_support import deploy, outputs_of, resources_of, settled, statuses_of, template, unique
from .conftest import LocalCloud

CUSTOM_CODE = """
import json, urllib.request

def handler(event, context):
    properties = event["ResourceProperties"]
    answer = {
        "Status": "FAILED" if properties.get("Fail") == event["RequestType"] else "SUCCESS",
        "Reason": "as asked",
        "PhysicalResourceId": properties["Name"],
        "StackId": event["StackId"], "RequestId": event["RequestId"], "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Said": event["RequestType"] + " " + properties["Number"]},
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(request)
"""


@pytest.fixture
def custom(cloud: LocalCloud) -> Callable[..., dict[str, Any]]:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }

    def resources(name: str, number: int, **more: Any) -> dict[str, Any]:
        return {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "Function": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Runtime": "python3.12",
                    "Handler": "index.handler",
                    "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Code": {"ZipFile": CUSTOM_CODE},
                    "Timeout": 30,
                },
            },
            "Custom": {
                "Type": "Custom::Probe",
                "Properties": {
                    "ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]},
                    "Name": name,
                    "Number": number,
                    **more,
                },
            },
        }

    return resources


def test_a_custom_resource_is_made_changed_and_deleted_by_its_function(
    cloud: LocalCloud, custom: Callable[..., dict[str, Any]]
) -> None:
    stack = unique()
    outputs = {"Said": {"Value": {"Fn::GetAtt": ["Custom", "Said"]}}}
    capability: dict[str, Any] = {"Capabilities": ["CAPABILITY_IAM"]}
    made = deploy(cloud, stack, template(custom("one", 1), Outputs=outputs), **capability)
    assert outputs_of(made) == {"Said": "Create 1"}
    changed = deploy(cloud, stack, template(custom("two", 2), Outputs=outputs), "UPDATE", **capability)
    assert outputs_of(changed) == {"Said": "Update 2"}
    assert resources_of(cloud, stack)["Custom"] == "two"
    assert "DELETE_COMPLETE" in statuses_of(cloud, stack, "Custom")
    cloud.client("cloudformation").delete_stack(StackName=stack)
    assert settled(cloud, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_custom_resource_that_says_failed_rolls_the_stack_back(
    cloud: LocalCloud, custom: Callable[..., dict[str, Any]]
) -> None:
    body = template(custom("one", 1, Fail="Create"))
    stack = unique()
    assert deploy(cloud, stack, body, Capabilities=["CAPABILITY_IAM"])["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    assert any("as asked" in one.get("ResourceStatusReason", "") for one in events)
