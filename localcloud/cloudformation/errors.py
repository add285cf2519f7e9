"""Errors of the CloudFormation API and of a deployment."""

from typing import Any

from localcloud.api import ApiError


class ValidationError(ApiError):
    """Raised when a request or template is wrong; the same code as AWS's."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationError", message)


class ResourceFailed(Exception):
    """Raised by a resource type when AWS's own handler would fail; the message becomes the event's reason."""


class NotYetKnown(Exception):
    """Raised while previewing, when a value depends on a resource that is still to be made."""


def no_such_stack(name: str) -> ValidationError:
    """The error for a stack that nobody made."""
    return ValidationError(f"Stack with id {name} does not exist")


def reason_of(error: BaseException) -> str:
    """What an event says about a failure: AWS's message, the operation and the code when an API call failed."""
    response: dict[str, Any] = getattr(error, "response", {})
    if "Error" not in response:
        return str(error) or type(error).__name__
    operation = getattr(error, "operation_name", "")
    details = response["Error"]
    return f"{details.get('Message')} (Operation: {operation}, Error code: {details.get('Code')})"
