"""SageMaker's tuning jobs behind the Searches port, with SageMaker's answers in its own shapes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from trimtab.aws.searches import SageMakerSearches

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = {"HyperParameterTuningJobName": "tiny-1", "SortBy": "CreationTime", "SortOrder": "Ascending"}


def summary(name: str, **more: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:eu-central-1:111122223333:training-job/{name}",
        "CreationTime": BEGAN,
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {"depth": "3"},
        "ObjectiveStatus": "Succeeded",
        **more,
    }


@pytest.fixture
def stub() -> Any:
    client = boto3.client("sagemaker", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stubber:
        yield stubber


def test_all_pages_are_read_and_a_failed_trial_has_a_reason_and_no_value(stub: Stubber) -> None:
    value = {"MetricName": "validation_objective", "Value": 0.75}
    times = {"TrainingStartTime": BEGAN, "TrainingEndTime": BEGAN + timedelta(seconds=42)}
    first = summary("one", FinalHyperParameterTuningJobObjectiveMetric=value, **times)
    second = summary("two", TrainingJobStatus="Failed", ObjectiveStatus="Failed", FailureReason="AlgorithmError")
    operation = "list_training_jobs_for_hyper_parameter_tuning_job"
    stub.add_response(operation, {"TrainingJobSummaries": [first], "NextToken": "more"}, ASKED)
    stub.add_response(operation, {"TrainingJobSummaries": [second]}, ASKED | {"NextToken": "more"})
    one, two = SageMakerSearches(stub.client).trials("tiny-1")
    assert (one.name, one.value, one.seconds, one.hyperparameters) == ("one", 0.75, 42.0, {"depth": "3"})
    assert (two.status, two.value, two.failure) == ("Failed", None, "AlgorithmError")


def test_a_search_that_was_never_made_has_no_trials_and_other_errors_go_on(stub: Stubber) -> None:
    operation = "list_training_jobs_for_hyper_parameter_tuning_job"
    stub.add_client_error(operation, "ResourceNotFound")
    assert SageMakerSearches(stub.client).trials("tiny-1") == []
    stub.add_client_error(operation, "AccessDeniedException")
    with pytest.raises(ClientError):
        SageMakerSearches(stub.client).trials("tiny-1")
