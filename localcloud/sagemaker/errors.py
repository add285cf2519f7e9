"""Errors that SageMaker's API answers, and the one that ends a job.

ApiError
├── ValidationError       the request is wrong, or names something that does not exist (SageMaker's usual answer)
├── ResourceNotFoundError names something that does not exist, for the few operations that say so by its own code
├── ResourceInUseError    the name is taken
├── ResourceLimitExceededError  a quota is used up
└── ConflictError
JobFailedError            the job ends as Failed with this FailureReason
"""

from typing import ClassVar


class ApiError(Exception):
    """Raised by an operation; the client gets HTTP 400 with `code` and the message."""

    code: ClassVar[str] = "InternalFailure"


class ValidationError(ApiError):
    """Raised for a request that AWS answers with ValidationException."""

    code = "ValidationException"


class ResourceNotFoundError(ApiError):
    """Raised when a tuning job, a feature group, or a record of experiments or lineage does not exist."""

    code = "ResourceNotFound"


class ResourceInUseError(ApiError):
    """Raised when the name of a job or a feature group is taken."""

    code = "ResourceInUse"


class ResourceLimitExceededError(ApiError):
    """Raised when more instances are asked for than the account's quotas allow."""

    code = "ResourceLimitExceeded"


class ConflictError(ApiError):
    """Raised when something else stands in the way, such as versions in a group that is to be deleted."""

    code = "ConflictException"


class UnsupportedError(ApiError):
    """Raised for what AWS does and the local cloud does not."""

    code = "ValidationException"

    def __init__(self, what: str) -> None:
        super().__init__(f"The local cloud does not support {what}.")


class JobFailedError(Exception):
    """Raised inside a job's thread: the message is the FailureReason."""
