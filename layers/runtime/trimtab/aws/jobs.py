"""SageMaker's jobs and ECR's images behind the Jobs port."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client

_TRAINING = (
    "AlgorithmSpecification", "RoleArn", "HyperParameters", "Environment", "InputDataConfig", "OutputDataConfig",
    "ResourceConfig", "StoppingCondition", "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining", "CheckpointConfig", "VpcConfig", "RetryStrategy",
)  # fmt: skip
_PROCESSING = (
    "AppSpecification", "RoleArn", "Environment", "ProcessingInputs", "ProcessingOutputConfig", "ProcessingResources",
    "StoppingCondition", "NetworkConfig",
)  # fmt: skip
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/(?P<repository>[^:@]+):(?P<tag>[^@]+)"
)
_UNTOLD = {"RepositoryNotFoundException", "ImageNotFoundException", "AccessDeniedException"}


class SageMakerJobs:
    """Jobs of the account, and images of any registry that the caller may pull from."""

    def __init__(self, sagemaker: Any, ecr: Any) -> None:
        self._sagemaker, self._ecr = sagemaker, ecr

    @classmethod
    def connect(cls) -> "SageMakerJobs":
        """With this process's clients."""
        return cls(client("sagemaker"), client("ecr"))

    def training(self, name: str) -> dict[str, Any] | None:
        found = self._found(lambda: self._sagemaker.describe_training_job(TrainingJobName=name))
        if found is None:
            return None
        # The toolkit's image is a member that SageMaker adds; a request names an image or an algorithm.
        times = {"started": found.get("TrainingStartTime"), "ended": found.get("TrainingEndTime")}
        return _request(found, _TRAINING) | {"arn": found["TrainingJobArn"]} | _told(times)

    def processing(self, name: str) -> dict[str, Any] | None:
        found = self._found(lambda: self._sagemaker.describe_processing_job(ProcessingJobName=name))
        if found is None:
            return None
        times = {"started": found.get("ProcessingStartTime"), "ended": found.get("ProcessingEndTime")}
        return _request(found, _PROCESSING) | {"arn": found["ProcessingJobArn"]} | _told(times)

    def image_digest(self, image_uri: str) -> str | None:
        named = _IMAGE.fullmatch(image_uri)
        if named is None:
            return None
        try:
            found = self._ecr.batch_get_image(
                registryId=named["account"], repositoryName=named["repository"], imageIds=[{"imageTag": named["tag"]}]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNTOLD:
                return None
            raise
        return next((str(image["imageId"]["imageDigest"]) for image in found["images"]), None)

    def _found(self, ask: Any) -> dict[str, Any] | None:
        """The answer; None for a job that does not exist."""
        try:
            return dict(ask())
        except ClientError as error:
            missing = "not found" in str(error) or "Could not find" in str(error)
            if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound") and missing:
                return None
            raise


def _request(found: Mapping[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in members if found.get(name) not in (None, {}, [])}


def _told(times: Mapping[str, datetime | None]) -> dict[str, str]:
    return {name: at.isoformat() for name, at in times.items() if at}
