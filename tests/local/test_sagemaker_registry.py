"""The model registry from outside: versions, approval, what is kept, and the events that start a promotion."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import LocalCloud, wait_until
from .sagemaker_support import IMAGE, Studio, unique

EVENT = "SageMaker Model Package State Change"


@pytest.fixture(scope="module")
def studio(cloud: LocalCloud) -> Studio:
    return Studio(cloud)


@pytest.fixture
def group(studio: Studio) -> str:
    name = unique("group")
    studio.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return name


def register(studio: Studio, group: str, **more: Any) -> str:
    """The ARN of a new version of the group."""
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{studio.bucket}/model.tar.gz"}],
        "SupportedContentTypes": ["text/csv"],
        "SupportedResponseMIMETypes": ["text/csv"],
    }
    answer = studio.sagemaker.create_model_package(
        ModelPackageGroupName=group, InferenceSpecification=specification, **more
    )
    return str(answer["ModelPackageArn"])


def test_versions_are_numbered_and_never_used_again(studio: Studio, group: str) -> None:
    arns = [register(studio, group) for _ in range(3)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]
    studio.sagemaker.delete_model_package(ModelPackageName=arns[2])
    assert register(studio, group).endswith("/4")


def test_everything_given_at_registration_is_described(studio: Studio, group: str) -> None:
    given = {
        "ModelPackageDescription": "a candidate",
        "CustomerMetadataProperties": {"dataset": "sha256:1"},
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://b/quality.json"}}
        },
        "MetadataProperties": {"CommitId": "abc"},
    }
    arn = register(studio, group, ModelApprovalStatus="PendingManualApproval", **given)
    found = studio.sagemaker.describe_model_package(ModelPackageName=arn)
    assert {key: found[key] for key in given} == given
    assert (found["ModelPackageVersion"], found["ModelPackageStatus"]) == (1, "Completed")
    assert found["ModelApprovalStatus"] == "PendingManualApproval"


def test_approval_keeps_its_description_and_merges_metadata(studio: Studio, group: str) -> None:
    arn = register(studio, group, CustomerMetadataProperties={"a": "1", "b": "2"})
    studio.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="looks good",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    found = studio.sagemaker.describe_model_package(ModelPackageName=arn)
    assert (found["ModelApprovalStatus"], found["ApprovalDescription"]) == ("Approved", "looks good")
    assert found["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    me = studio.cloud.client("sts").get_caller_identity()["Arn"]
    assert found["LastModifiedBy"]["IamIdentity"]["Arn"] == me


def test_versions_are_listed_by_status_and_newest_first(studio: Studio, group: str) -> None:
    arns = [register(studio, group) for _ in range(3)]
    for arn in arns[:2]:
        studio.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    answer = studio.sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved", SortBy="CreationTime", SortOrder="Descending"
    )
    assert [each["ModelPackageArn"] for each in answer["ModelPackageSummaryList"]] == [arns[1], arns[0]]


def test_a_group_goes_only_when_it_is_empty(studio: Studio, group: str) -> None:
    arn = register(studio, group)
    with pytest.raises(ClientError) as error:
        studio.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert error.value.response["Error"]["Code"] == "ConflictException"
    studio.sagemaker.delete_model_package(ModelPackageName=arn)
    studio.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    with pytest.raises(ClientError, match="does not exist"):
        studio.sagemaker.describe_model_package_group(ModelPackageGroupName=group)


def test_creation_and_real_changes_are_events_and_repeated_approvals_are_not(studio: Studio, group: str) -> None:
    sqs = studio.cloud.client("sqs")
    url = sqs.create_queue(QueueName=group)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    rules = studio.cloud.client("events")
    pattern = {"detail-type": [EVENT], "detail": {"ModelPackageGroupName": [group]}}
    rules.put_rule(Name=group, EventPattern=json.dumps(pattern))
    rules.put_targets(Rule=group, Targets=[{"Id": "queue", "Arn": arn}])
    package = register(studio, group, CustomerMetadataProperties={"run": "7"})
    for status in ("Approved", "Approved", "Rejected"):
        studio.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus=status)
    events: list[dict[str, Any]] = []

    def statuses() -> list[str]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        events.extend(json.loads(message["Body"]) for message in messages)
        return sorted(event["detail"]["ModelApprovalStatus"] for event in events)

    wait_until(lambda: len(statuses()) >= 3, 20)
    assert statuses() == ["Approved", "PendingManualApproval", "Rejected"]
    detail = events[0]["detail"]
    assert events[0]["resources"] == [package]
    assert detail["ModelPackageArn"] == package
    assert detail["ModelPackageVersion"] == 1
    assert detail["CustomerMetadataProperties"] == {"run": "7"}
    assert detail["ModelPackageStatus"] == "Completed"
    assert detail["CreationTime"].endswith("Z")


def test_operations_that_would_only_be_recorded_are_refused(studio: Studio) -> None:
    with pytest.raises(ClientError, match="does not support CreateNotebookInstance"):
        studio.sagemaker.create_notebook_instance(
            NotebookInstanceName="n", InstanceType="ml.t3.medium", RoleArn=studio.role
        )
    with pytest.raises(ClientError, match="use the List operations"):
        studio.sagemaker.search(Resource="ModelPackage")
