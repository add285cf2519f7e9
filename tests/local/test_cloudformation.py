"""CloudFormation from outside: what a stack makes, changes, takes back and refuses."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

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


def test_a_stack_is_created_in_the_order_of_its_references_and_deleted_in_reverse(cloud: LocalCloud) -> None:
    stack = unique()
    body = template(
        {
            "Policy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "sns.amazonaws.com"},
                                "Action": "sqs:SendMessage",
                                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                            }
                        ]
                    },
                },
            },
            "Queue": QUEUE,
        },
        Outputs={"Url": {"Value": {"Ref": "Queue"}}, "Arn": {"Value": {"Fn::Sub": "${Queue.Arn}"}}},
    )
    made = deploy(cloud, stack, body)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    url = outputs_of(made)["Url"]
    attributes = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert outputs_of(made)["Arn"] == attributes["QueueArn"]
    assert json.loads(attributes["Policy"])["Statement"][0]["Resource"] == attributes["QueueArn"]

    cloud.client("cloudformation").delete_stack(StackName=stack)
    assert settled(cloud, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match=f"Stack with id {stack} does not exist"):
        cloud.client("cloudformation").describe_stacks(StackName=stack)
    events = cloud.client("cloudformation").describe_stack_events(StackName=made["StackId"])["StackEvents"]
    deleted = [e["LogicalResourceId"] for e in reversed(events) if e["ResourceStatus"] == "DELETE_COMPLETE"]
    assert deleted == ["Policy", "Queue", stack]


def test_an_update_changes_in_place_what_it_can_and_replaces_the_rest_with_what_refers_to_it(
    cloud: LocalCloud,
) -> None:
    stack, first, second = unique(), unique("one"), unique("two")

    def body(name: str, seconds: int) -> str:
        return template(
            {
                "Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
                "Plain": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}},
                "Note": {
                    "Type": "AWS::SSM::Parameter",
                    "Properties": {"Type": "String", "Value": {"Fn::GetAtt": "Named.Arn"}},
                },
            }
        )

    deploy(cloud, stack, body(first, 10))
    before = resources_of(cloud, stack)
    assert deploy(cloud, stack, body(second, 20), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"
    after = resources_of(cloud, stack)
    assert after["Plain"] == before["Plain"]
    assert after["Named"] != before["Named"]
    sqs = cloud.client("sqs")
    plain = sqs.get_queue_attributes(QueueUrl=after["Plain"], AttributeNames=["VisibilityTimeout"])
    assert plain["Attributes"]["VisibilityTimeout"] == "20"
    note = cloud.client("ssm").get_parameter(Name=after["Note"])["Parameter"]["Value"]
    assert note.endswith(f":{second}")
    with pytest.raises(ClientError, match="does not exist"):
        sqs.get_queue_url(QueueName=first)


def test_a_change_set_says_what_will_be_replaced(cloud: LocalCloud) -> None:
    stack, cloudformation = unique(), cloud.client("cloudformation")

    def body(name: str) -> str:
        return template(
            {
                "Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
                "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": name}},
                "Gone" if name == "a" else "New": QUEUE,
            }
        )

    deploy(cloud, stack, body("a"))
    cloudformation.create_change_set(StackName=stack, ChangeSetName="look", TemplateBody=body("b"))
    changes = {
        one["ResourceChange"]["LogicalResourceId"]: (
            one["ResourceChange"]["Action"],
            one["ResourceChange"].get("Replacement"),
        )
        for one in cloudformation.describe_change_set(StackName=stack, ChangeSetName="look")["Changes"]
    }
    assert changes == {
        "Named": ("Modify", "True"),
        "Topic": ("Modify", "False"),
        "New": ("Add", None),
        "Gone": ("Remove", None),
    }


def test_change_sets_of_the_same_name_belong_to_their_stacks(cloud: LocalCloud) -> None:
    cloudformation, stacks = cloud.client("cloudformation"), [unique(), unique()]
    for stack in stacks:
        cloudformation.create_change_set(
            StackName=stack, ChangeSetName="same", ChangeSetType="CREATE", TemplateBody=template({stack[:5]: QUEUE})
        )
    for stack in stacks:
        assert cloudformation.describe_change_set(StackName=stack, ChangeSetName="same")["StackName"] == stack
    cloudformation.delete_change_set(StackName=stacks[0], ChangeSetName="same")
    with pytest.raises(cloudformation.exceptions.ChangeSetNotFoundException):
        cloudformation.describe_change_set(StackName=stacks[0], ChangeSetName="same")
    assert cloudformation.describe_change_set(StackName=stacks[1], ChangeSetName="same")["Status"] == "CREATE_COMPLETE"


def test_a_change_set_without_changes_fails_and_says_so(cloud: LocalCloud) -> None:
    stack, cloudformation = unique(), cloud.client("cloudformation")
    deploy(cloud, stack, template({"Queue": QUEUE}))
    cloudformation.create_change_set(
        StackName=stack, ChangeSetName="same", TemplateBody=template({"Queue": QUEUE}, Description="Other words")
    )
    described = cloudformation.describe_change_set(StackName=stack, ChangeSetName="same")
    assert described["Status"] == "FAILED"
    assert "didn't contain changes" in described["StatusReason"]


def test_a_failed_create_leaves_nothing_and_can_only_be_deleted(cloud: LocalCloud) -> None:
    stack, bucket = unique(), unique("bucket")
    body = template(
        {
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}},
            "Bad": BAD_QUEUE | {"DependsOn": "Bucket"},
        }
    )
    assert deploy(cloud, stack, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert statuses_of(cloud, stack, "Bad") == ["CREATE_IN_PROGRESS", "CREATE_FAILED"]
    with pytest.raises(ClientError, match="404"):
        cloud.client("s3").head_bucket(Bucket=bucket)
    with pytest.raises(ClientError, match="ROLLBACK_COMPLETE state and can not be updated"):
        deploy(cloud, stack, body, "UPDATE")


def test_a_resource_that_fails_halfway_is_taken_back_too(cloud: LocalCloud) -> None:
    stack, bucket = unique(), unique("bucket")
    properties = {"BucketName": bucket, "VersioningConfiguration": {"Status": "Perhaps"}}
    body = template({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert deploy(cloud, stack, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="404"):
        cloud.client("s3").head_bucket(Bucket=bucket)


def test_a_failed_update_restores_what_was_changed_replaced_and_added(cloud: LocalCloud) -> None:
    stack, first, second = unique(), unique("one"), unique("two")

    def resources(name: str, seconds: int) -> dict[str, Any]:
        return {
            "Named": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
            "Plain": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": seconds}},
        }

    deploy(cloud, stack, template(resources(first, 10)))
    before = resources_of(cloud, stack)
    bad = BAD_QUEUE | {"DependsOn": ["Named", "Plain", "Added"]}
    failing = template(resources(second, 20) | {"Added": QUEUE, "Bad": bad})
    assert deploy(cloud, stack, failing, "UPDATE")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert resources_of(cloud, stack) == before
    sqs = cloud.client("sqs")
    plain = sqs.get_queue_attributes(QueueUrl=before["Plain"], AttributeNames=["VisibilityTimeout"])
    assert plain["Attributes"]["VisibilityTimeout"] == "10"
    with pytest.raises(ClientError):
        sqs.get_queue_url(QueueName=second)
    assert deploy(cloud, stack, template(resources(first, 30)), "UPDATE")["StackStatus"] == "UPDATE_COMPLETE"


def test_retained_resources_stay_when_the_stack_goes(cloud: LocalCloud) -> None:
    stack = unique()
    body = template({"Kept": QUEUE | {"DeletionPolicy": "Retain"}, "Gone": QUEUE})
    made = deploy(cloud, stack, body)
    urls = resources_of(cloud, stack)
    cloud.client("cloudformation").delete_stack(StackName=stack)
    settled(cloud, made["StackId"])
    sqs = cloud.client("sqs")
    assert sqs.get_queue_attributes(QueueUrl=urls["Kept"], AttributeNames=["QueueArn"])
    with pytest.raises(ClientError):
        sqs.get_queue_attributes(QueueUrl=urls["Gone"], AttributeNames=["QueueArn"])


def test_a_bucket_with_objects_fails_the_deletion(cloud: LocalCloud) -> None:
    stack = unique()
    made = deploy(cloud, stack, template({"Bucket": {"Type": "AWS::S3::Bucket"}}))
    bucket = resources_of(cloud, stack)["Bucket"]
    cloud.client("s3").put_object(Bucket=bucket, Key="a", Body=b"a")
    cloud.client("cloudformation").delete_stack(StackName=stack)
    failed = settled(cloud, made["StackId"])
    assert failed["StackStatus"] == "DELETE_FAILED"
    assert "[Bucket]" in failed["StackStatusReason"]
    cloud.client("s3").delete_object(Bucket=bucket, Key="a")
    cloud.client("cloudformation").delete_stack(StackName=stack)
    assert settled(cloud, made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_protected_stack_is_not_deleted(cloud: LocalCloud) -> None:
    stack, cloudformation = unique(), cloud.client("cloudformation")
    deploy(cloud, stack, template({"Queue": QUEUE}))
    cloudformation.update_termination_protection(StackName=stack, EnableTerminationProtection=True)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        cloudformation.delete_stack(StackName=stack)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown type": (
        {"Budget": {"Type": "AWS::Budgets::Budget"}},
        r"Template format error: Unrecognized resource types: \[AWS::Budgets::Budget\]",
    ),
    "an unknown property": (
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": "red"}}},
        r"Properties validation failed for resource Queue .*Colour",
    ),
    "an unknown reference": (
        {"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Nobody"}}}},
        r"Unresolved resource dependencies \[Nobody\]",
    ),
    "an unknown attribute": (
        {
            "Queue": QUEUE,
            "Note": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::GetAtt": ["Queue", "Colour"]}},
            },
        },
        r"resource Queue does not support attribute type Colour in Fn::GetAtt",
    ),
    "a circle": (
        {"One": QUEUE | {"DependsOn": "Two"}, "Two": QUEUE | {"DependsOn": "One"}},
        r"Circular dependency between resources: \[One, Two\]",
    ),
    "an update policy": ({"Queue": QUEUE | {"UpdatePolicy": {}}}, "UpdatePolicy"),
    "nothing": ({}, "At least one Resources member"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_carried_out_is_refused_before_anything_is_made(cloud: LocalCloud, what: str) -> None:
    resources, message = REFUSED[what]
    with pytest.raises(ClientError, match=message) as refused:
        deploy(cloud, unique(), template(resources))
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_a_nested_property_that_the_api_does_not_know_fails_the_resource(cloud: LocalCloud) -> None:
    properties = {"BucketEncryption": {"ServerSideEncryptionConfiguration": [{"Colour": "red"}]}}
    stack = unique()
    body = template({"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    assert deploy(cloud, stack, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = cloud.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    assert any("has no Colour" in one.get("ResourceStatusReason", "") for one in events)


def test_iam_resources_need_the_capability(cloud: LocalCloud) -> None:
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    with pytest.raises(ClientError, match="CAPABILITY_IAM"):
        deploy(cloud, unique(), template({"Role": role}))
    made = deploy(cloud, unique(), template({"Role": role}), Capabilities=["CAPABILITY_IAM"])
    assert made["StackStatus"] == "CREATE_COMPLETE"


def test_parameters_have_defaults_constraints_previous_values_and_come_from_ssm(cloud: LocalCloud) -> None:
    stack, name, ssm = unique(), f"/{unique('probe')}", cloud.client("ssm")
    ssm.put_parameter(Name=name, Type="String", Value="33")
    body = template(
        {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": {"Ref": "Seconds"}}}},
        Parameters={
            "Seconds": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": name},
            "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "large"]},
        },
    )

    def visibility() -> str:
        url = resources_of(cloud, stack)["Queue"]
        got = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        return str(got["Attributes"]["VisibilityTimeout"])

    with pytest.raises(ClientError, match="Size"):
        deploy(cloud, stack, body, Parameters=[{"ParameterKey": "Size", "ParameterValue": "huge"}])
    made = deploy(cloud, stack, body)
    assert visibility() == "33"
    shown = {one["ParameterKey"]: one for one in made["Parameters"]}
    assert (shown["Seconds"]["ParameterValue"], shown["Seconds"]["ResolvedValue"]) == (name, "33")
    ssm.put_parameter(Name=name, Type="String", Value="44", Overwrite=True)
    previous = [{"ParameterKey": "Seconds", "UsePreviousValue": True}]
    assert deploy(cloud, stack, body, "UPDATE", Parameters=previous)["StackStatus"] == "UPDATE_COMPLETE"
    assert visibility() == "44"


def test_exports_are_imported_and_cannot_be_taken_away_while_in_use(cloud: LocalCloud) -> None:
    producer, consumer, export = unique("producer"), unique("consumer"), unique("export")
    exporting = template(
        {"Queue": QUEUE},
        Outputs={"Out": {"Value": {"Fn::GetAtt": ["Queue", "QueueName"]}, "Export": {"Name": export}}},
    )

    def note(value: Any) -> str:
        return template({"Note": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}})

    produced = deploy(cloud, producer, exporting)
    deploy(cloud, consumer, note({"Fn::ImportValue": export}))
    name = resources_of(cloud, consumer)["Note"]
    value = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert value == outputs_of(produced)["Out"]

    cloudformation = cloud.client("cloudformation")
    cloudformation.delete_stack(StackName=producer)
    refused = settled(cloud, producer)
    assert refused["StackStatus"] == "DELETE_FAILED"
    assert f"Cannot delete export {export} as it is in use by {consumer}" in refused["StackStatusReason"]
    cloudformation.delete_stack(StackName=consumer)
    cloudformation.delete_stack(StackName=producer)
    assert settled(cloud, produced["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_an_output_of_another_stack_is_read_without_an_export(cloud: LocalCloud) -> None:
    producer, consumer = unique("producer"), unique("consumer")
    deploy(cloud, producer, template({"Queue": QUEUE}, Outputs={"Out": {"Value": "read me"}}))
    value = {"Fn::GetStackOutput": {"StackName": producer, "OutputName": "Out"}}
    note = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    deploy(cloud, consumer, template({"Note": note}))
    name = resources_of(cloud, consumer)["Note"]
    assert cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "read me"


def test_a_resource_comes_and_goes_with_its_condition(cloud: LocalCloud) -> None:
    stack = unique()
    body = template(
        {"Always": QUEUE, "Sometimes": QUEUE | {"Condition": "Wanted"}},
        Parameters={"Want": {"Type": "String"}},
        Conditions={"Wanted": {"Fn::Equals": [{"Ref": "Want"}, "yes"]}},
    )

    def want(answer: str, kind: str) -> set[str]:
        deploy(cloud, stack, body, kind, Parameters=[{"ParameterKey": "Want", "ParameterValue": answer}])
        return set(resources_of(cloud, stack))

    assert want("no", "CREATE") == {"Always"}
    assert want("yes", "UPDATE") == {"Always", "Sometimes"}
    assert want("no", "UPDATE") == {"Always"}


def test_create_and_update_stack_work_without_change_sets(cloud: LocalCloud) -> None:
    stack, cloudformation = unique(), cloud.client("cloudformation")
    cloudformation.create_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE}))
    assert settled(cloud, stack)["StackStatus"] == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cloudformation.update_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE}))
    cloudformation.update_stack(StackName=stack, TemplateBody=template({"Queue": QUEUE, "More": QUEUE}))
    assert settled(cloud, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert json.loads(json.dumps(cloudformation.get_template(StackName=stack)["TemplateBody"])) == json.loads(
        template({"Queue": QUEUE, "More": QUEUE})
    )


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
