"""SageMaker's tuning jobs behind the Searches port."""

from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.training.trials import Trial


class SageMakerSearches:
    """Reads tuning jobs and their trials."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    @classmethod
    def connect(cls) -> "SageMakerSearches":
        """With this process's client."""
        return cls(client("sagemaker"))

    def trials(self, search: str) -> list[Trial]:
        """The trials of a tuning job, in the order in which they were begun; none of one that was never made."""
        try:
            return self._trials(search)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFound":
                return []
            raise

    def _trials(self, search: str) -> list[Trial]:
        pages = self._sagemaker.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job").paginate(
            HyperParameterTuningJobName=search, SortBy="CreationTime", SortOrder="Ascending"
        )
        return [_trial(each) for page in pages for each in page["TrainingJobSummaries"]]


def _trial(summary: dict[str, Any]) -> Trial:
    began, ended = summary.get("TrainingStartTime"), summary.get("TrainingEndTime")
    value = summary.get("FinalHyperParameterTuningJobObjectiveMetric", {}).get("Value")
    succeeded = summary.get("ObjectiveStatus") == "Succeeded"
    return Trial(
        name=summary["TrainingJobName"],
        hyperparameters=dict(summary["TunedHyperParameters"]),
        status=summary["TrainingJobStatus"],
        value=float(value) if succeeded and value is not None else None,
        seconds=(ended - began).total_seconds() if began and ended else None,
        failure=summary.get("FailureReason", ""),
    )
