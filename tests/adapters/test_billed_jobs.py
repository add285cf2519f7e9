"""For how long SageMaker's jobs are billed, as its API tells it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from trimtab.aws.billed_jobs import BilledJobs

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def sagemaker() -> Any:
    return boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def stubbed(sagemaker: Any) -> Stubber:
    stub = Stubber(sagemaker)
    stub.activate()
    return stub


@pytest.mark.parametrize(
    ("code", "message", "known"),
    [
        ("ValidationException", "Requested resource not found.", 0.0),
        ("ValidationException", "something else", None),
        ("AccessDeniedException", "no", None),
        ("ThrottlingException", "slow down", None),
    ],
)
def test_a_job_that_never_was_cost_nothing_and_what_is_not_told_is_not_known(
    sagemaker: Any, code: str, message: str, known: float | None
) -> None:
    stub = stubbed(sagemaker)
    for operation in ("describe_training_job", "describe_processing_job"):
        for _ in range(5):  # the client's own retries of throttling
            stub.add_client_error(operation, code, message, 400)
    assert BilledJobs(sagemaker).training("job") == known


def test_an_evaluation_is_billed_from_its_start_to_its_end(sagemaker: Any) -> None:
    stub, answer = stubbed(sagemaker), required()
    answer |= {"ProcessingStartTime": BEGAN, "ProcessingEndTime": BEGAN + timedelta(minutes=3)}
    stub.add_response("describe_processing_job", answer)
    assert BilledJobs(sagemaker).processing("job") == 180.0
    stub.add_response("describe_processing_job", required())
    assert BilledJobs(sagemaker).processing("job") == 0.0, "it never began"


def required() -> dict[str, Any]:
    """What DescribeProcessingJob always answers."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
    return {
        "ProcessingJobName": "job",
        "ProcessingResources": {"ClusterConfig": cluster},
        "AppSpecification": {"ImageUri": "image"},
        "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:processing-job/job",
        "ProcessingJobStatus": "Completed",
        "CreationTime": BEGAN,
    }
