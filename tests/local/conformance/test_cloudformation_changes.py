"""CloudFormation: change sets, and templates that are refused before anything is made."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .stacks import QUEUE, change_set, deploy, events_of, note, outputs_of, resources_of, settled, template

pytestmark = pytest.mark.cloudformation


def test_a_change_set_says_what_will_be_replaced(account: Account) -> None:
    stack = account.unique("stack")

    def body(name: str) -> str:
        return template(
            {
                "Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{stack}-{name}"}},
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}},
                "Note": note({"Ref": "Named"}),
                "Gone" if name == "a" else "New": QUEUE,
            }
        )

    deploy(account, stack, body("a"))
    found = [one["ResourceChange"] for one in change_set(account, stack, body("b"))["Changes"]]
    assert {one["LogicalResourceId"]: (one["Action"], one.get("Replacement")) for one in found} == {
        "Named": ("Modify", "True"),
        "Topic": ("Modify", "False"),
        "Note": ("Modify", "False"),
        "New": ("Add", None),
        "Gone": ("Remove", None),
    }
    details = {one["LogicalResourceId"]: one["Details"] for one in found}
    target = details["Named"][0]["Target"]
    assert (target["Attribute"], target["Name"]) == ("Properties", "QueueName")
    assert target["RequiresRecreation"] == "Always"
    assert details["Topic"][0]["Target"]["RequiresRecreation"] == "Never"


def test_change_sets_of_the_same_name_belong_to_their_stacks(account: Account) -> None:
    cloudformation, stacks = account.client("cloudformation"), [account.unique("stack"), account.unique("stack")]
    for stack in stacks:
        account.later(cloudformation.delete_stack, StackName=stack)
        cloudformation.create_change_set(
            StackName=stack, ChangeSetName="same", ChangeSetType="CREATE", TemplateBody=template({"Queue": QUEUE})
        )
        cloudformation.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName="same")
    for stack in stacks:
        assert cloudformation.describe_change_set(StackName=stack, ChangeSetName="same")["StackName"] == stack
    cloudformation.delete_change_set(StackName=stacks[0], ChangeSetName="same")
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(StackName=stacks[0], ChangeSetName="same")
    assert cloudformation.describe_change_set(StackName=stacks[1], ChangeSetName="same")["Status"] == "CREATE_COMPLETE"


def test_a_change_set_without_changes_fails_and_says_so(account: Account) -> None:
    stack = account.unique("stack")
    deploy(account, stack, template({"Queue": QUEUE}))
    found = change_set(account, stack, template({"Queue": QUEUE}))
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert "didn't contain changes" in found["StatusReason"]
    with pytest.raises(ClientError) as refused:
        account.client("cloudformation").execute_change_set(ChangeSetName=found["ChangeSetId"])
    assert refused.value.response["Error"]["Code"] == "InvalidChangeSetStatus"


def test_a_change_of_outputs_alone_is_a_change(account: Account) -> None:
    stack = account.unique("stack")
    deploy(account, stack, template({"Queue": QUEUE}))
    outputs = {"Out": {"Value": "told"}}
    assert outputs_of(deploy(account, stack, template({"Queue": QUEUE}, Outputs=outputs), "UPDATE")) == {"Out": "told"}


def test_a_resource_cannot_become_one_of_another_type(account: Account) -> None:
    stack = account.unique("stack")
    deploy(account, stack, template({"Thing": QUEUE}))
    found = change_set(account, stack, template({"Thing": {"Type": "AWS::SNS::Topic"}}))
    assert found["Status"] == "FAILED"
    assert "Update of resource type is not permitted" in found["StatusReason"]
    assert "[Thing]" in found["StatusReason"]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        ({"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}, "extraneous key [Colour] is not permitted"),
        ({"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}}, "required key [Value] not found"),
    ],
)
def test_early_validation_finds_wrong_properties(account: Account, resource: dict[str, Any], reason: str) -> None:
    cloudformation = account.client("cloudformation")
    found = change_set(account, account.unique("stack"), template({"Wrong": resource}), "CREATE")
    assert found["Status"] == "FAILED"
    assert "AWS::EarlyValidation::PropertyValidation" in found["StatusReason"]
    events = cloudformation.describe_events(ChangeSetName=found["ChangeSetId"])["OperationEvents"]
    errors = [one for one in events if one["EventType"] == "VALIDATION_ERROR"]
    assert [(one["LogicalResourceId"], one["ValidationName"]) for one in errors] == [("Wrong", "PROPERTY_VALIDATION")]
    assert reason in errors[0]["ValidationStatusReason"]
    assert errors[0]["ValidationPath"].startswith("/Resources/Wrong/Properties")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (
        {"Budget": {"Type": "AWS::Budgets::Budgets"}},
        r"Template format error: Unrecognized resource types: \[AWS::Budgets::Budgets\]",
    ),
    "an unknown reference": ({"Note": note({"Ref": "Nobody"})}, r"Unresolved resource dependencies \[Nobody\]"),
    "an unknown attribute": (
        {"Queue": QUEUE, "Note": note({"Fn::GetAtt": ["Queue", "Colour"]})},
        r"[Rr]esource Queue does not support attribute type Colour in Fn::GetAtt|Requested attribute Colour",
    ),
    "an unknown function": ({"Note": note({"Fn::Colour": "red"})}, "nsupported function: Fn::Colour"),
    "a circle": (
        {"One": QUEUE | {"DependsOn": "Two"}, "Two": QUEUE | {"DependsOn": "One"}},
        r"Circular dependency between resources: \[(One, Two|Two, One)\]",
    ),
    "a snapshot of what has none": (
        {"Queue": QUEUE | {"DeletionPolicy": "Snapshot"}},
        "does not support deletion policy Snapshot",
    ),
    "nothing": ({}, "At least one Resources member"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_carried_out_is_refused_before_anything_is_made(account: Account, what: str) -> None:
    resources, message = REFUSED[what]
    with pytest.raises(ClientError, match=message) as refused:
        change_set(account, account.unique("stack"), template(resources), "CREATE")
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_template_that_is_too_long_must_come_from_s3(account: Account) -> None:
    body = template({"Queue": QUEUE}, Metadata={"Long": "x" * 60_000})
    with pytest.raises(ClientError):
        change_set(account, account.unique("stack"), body, "CREATE")
    bucket = account.bucket()
    account.client("s3").put_object(Bucket=bucket, Key="template", Body=body.encode())
    stack, url = account.unique("stack"), f"https://{bucket}.s3.{account.region}.amazonaws.com/template"
    account.later(account.client("cloudformation").delete_stack, StackName=stack)
    account.client("cloudformation").create_stack(StackName=stack, TemplateURL=url)
    assert settled(account, stack)["StackStatus"] == "CREATE_COMPLETE"


def test_iam_resources_need_the_capability(account: Account) -> None:
    principal = {"Service": "lambda.amazonaws.com"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17"} | trust}}
    with pytest.raises(ClientError, match="CAPABILITY_IAM") as refused:
        deploy(account, account.unique("stack"), template({"Role": role}))
    assert refused.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    made = deploy(account, account.unique("stack"), template({"Role": role}), Capabilities=["CAPABILITY_IAM"])
    assert made["StackStatus"] == "CREATE_COMPLETE"


def test_a_value_that_the_service_refuses_fails_the_resource_with_its_words(account: Account) -> None:
    stack = account.unique("stack")
    properties = {"VersioningConfiguration": {"Status": "Perhaps"}}
    account.later(account.client("cloudformation").delete_stack, StackName=stack)
    account.client("cloudformation").create_stack(
        StackName=stack, TemplateBody=template({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    )
    assert settled(account, stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    failed = [one for one in events_of(account, stack, "Bucket") if one["ResourceStatus"] == "CREATE_FAILED"]
    assert "Perhaps" in failed[0]["ResourceStatusReason"]


def test_a_stack_that_was_only_reviewed_has_no_resources(account: Account) -> None:
    stack = account.unique("stack")
    change_set(account, stack, template({"Queue": QUEUE}), "CREATE")
    assert resources_of(account, stack) == {}
    (described,) = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert described["StackStatus"] == "REVIEW_IN_PROGRESS"
