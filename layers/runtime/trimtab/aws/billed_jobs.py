"""SageMaker's jobs behind the Bills port: for how long they are billed."""

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client


class BilledJobs:
    """Describes jobs. An answer that does not come is no cost known: it must not keep a run from ending."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    @classmethod
    def connect(cls) -> "BilledJobs":
        """With this process's client."""
        return cls(client("sagemaker"))

    def training(self, job: str) -> float | None:
        return _seconds(
            lambda: self._sagemaker.describe_training_job(TrainingJobName=job),
            lambda found: found.get("BillableTimeInSeconds", 0),
        )

    def processing(self, job: str) -> float | None:
        return _seconds(lambda: self._sagemaker.describe_processing_job(ProcessingJobName=job), _elapsed)


def _seconds(ask: Callable[[], dict[str, Any]], read: Callable[[dict[str, Any]], float]) -> float | None:
    try:
        return float(read(ask()))
    except ClientError as error:
        missing = "not found" in str(error) or "Could not find" in str(error)
        is_no_job = error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound") and missing
        return 0.0 if is_no_job else None


def _elapsed(found: Mapping[str, Any]) -> float:
    """A processing job tells no billable time; AWS bills from its start to its end."""
    began, ended = found.get("ProcessingStartTime"), found.get("ProcessingEndTime")
    return (ended - began).total_seconds() if began and ended else 0.0
