"""CloudFormation: custom resources, what a stack asks of a function and what its answer does."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .account import Account, allow
from .stacks import delete, deploy, events_of, outputs_of, resources_of, statuses_of, template

pytestmark = pytest.mark.cloudformation

SOURCE = """
import json, os, urllib.request
import boto3

def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["SEEN"], MessageBody=json.dumps(event))
    properties = event["ResourceProperties"]
    if properties.get("Silent") == event["RequestType"]:
        return
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
OUTPUTS = {"Said": {"Value": {"Fn::GetAtt": ["Custom", "Said"]}}}


@dataclass
class Custom:
    """A function that makes custom resources as their properties ask, and what it was asked."""

    arn: str
    requests: Callable[[], list[dict[str, Any]]]

    def template(self, name: str, number: int, **more: Any) -> str:
        properties = {"ServiceToken": self.arn, "Name": name, "Number": number, **more}
        return template({"Custom": {"Type": "Custom::Probe", "Properties": properties}}, Outputs=OUTPUTS)


@pytest.fixture
def custom(account: Account) -> Custom:
    url, arn = account.queue()
    statement = allow("sqs:SendMessage", on=arn)
    function = account.function(SOURCE, statement, Environment={"Variables": {"SEEN": url}})
    seen: list[dict[str, Any]] = []

    def requests() -> list[dict[str, Any]]:
        sqs = account.client("sqs")
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in messages:
                seen.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return seen

    return Custom(function, requests)


def test_a_custom_resource_is_made_changed_replaced_and_deleted_by_its_function(
    account: Account, custom: Custom
) -> None:
    stack = account.unique("stack")
    made = deploy(account, stack, custom.template("one", 1))
    assert outputs_of(made) == {"Said": "Create 1"}
    assert outputs_of(deploy(account, stack, custom.template("one", 2), "UPDATE")) == {"Said": "Update 2"}
    assert outputs_of(deploy(account, stack, custom.template("two", 3), "UPDATE")) == {"Said": "Update 3"}
    assert resources_of(account, stack) == {"Custom": "two"}
    assert statuses_of(account, stack, "Custom")[-1] == "DELETE_COMPLETE"  # of the one that "two" replaced
    delete(account, made["StackId"])
    account.wait_until(lambda: len(custom.requests()) == 5)
    asked = sorted(custom.requests(), key=lambda one: int(one["ResourceProperties"]["Number"]))
    kinds = sorted((one["RequestType"], one.get("PhysicalResourceId")) for one in asked[1:])
    assert kinds == [("Delete", "one"), ("Delete", "two"), ("Update", "one"), ("Update", "one")]
    create, update = asked[0], next(one for one in asked if one["RequestType"] == "Update")
    assert "PhysicalResourceId" not in create
    assert (create["LogicalResourceId"], create["ResourceType"]) == ("Custom", "Custom::Probe")
    assert create["ResourceProperties"]["Number"] == "1"
    assert (update["OldResourceProperties"]["Number"], update["ResourceProperties"]["Number"]) == ("1", "2")


def test_a_custom_resource_that_fails_to_be_made_is_deleted_and_the_stack_rolled_back(
    account: Account, custom: Custom
) -> None:
    stack = account.unique("stack")
    assert deploy(account, stack, custom.template("one", 1, Fail="Create"))["StackStatus"] == "ROLLBACK_COMPLETE"
    failed = [one for one in events_of(account, stack, "Custom") if one["ResourceStatus"] == "CREATE_FAILED"]
    assert "as asked" in failed[0]["ResourceStatusReason"]
    account.wait_until(lambda: len(custom.requests()) == 2)
    assert {(one["RequestType"], one.get("PhysicalResourceId")) for one in custom.requests()} == {
        ("Create", None),
        ("Delete", "one"),
    }


def test_a_custom_resource_that_fails_to_change_is_asked_to_change_back(account: Account, custom: Custom) -> None:
    stack = account.unique("stack")
    deploy(account, stack, custom.template("one", 1, Fail="None"))
    failed = deploy(account, stack, custom.template("one", 2, Fail="Update"), "UPDATE")
    assert failed["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    account.wait_until(lambda: len(custom.requests()) == 3)
    numbers = [one["ResourceProperties"]["Number"] for one in custom.requests() if one["RequestType"] == "Update"]
    assert sorted(numbers) == ["1", "2"]


def test_a_custom_resource_that_fails_to_be_deleted_keeps_the_stack(account: Account, custom: Custom) -> None:
    stack = account.unique("stack")
    made = deploy(account, stack, custom.template("one", 1, Fail="Delete"))
    assert delete(account, made["StackId"])["StackStatus"] == "DELETE_FAILED"
    kept = {"StackName": made["StackId"], "RetainResources": ["Custom"]}
    account.client("cloudformation").delete_stack(**kept)
    account.wait_until(lambda: statuses_of(account, made["StackId"], stack)[-1] == "DELETE_COMPLETE")


def test_an_answer_that_does_not_come_in_time_fails_the_resource(account: Account, custom: Custom) -> None:
    stack = account.unique("stack")
    failed = deploy(account, stack, custom.template("one", 1, Silent="Create", ServiceTimeout=1))
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [one.get("ResourceStatusReason", "") for one in events_of(account, stack, "Custom")]
    assert any("did not receive a response from your Custom Resource" in reason for reason in reasons)
