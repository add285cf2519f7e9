"""CloudFormation from outside: what a stack makes, changes, takes back and refuses."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .cloudformation_support import (
    BAD_QUEUE,
    QUEUE,
    deploy,
    outputs_of,
    resources_of,
    settled,
    statuses_of,
    template,
    unique,
)
from .conftest import LocalCloud


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
