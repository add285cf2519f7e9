"""How Step Functions names the errors of services, and how it writes dates."""

import json
import re
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError


def sdk_service_name(service_id: str) -> str:
    """The prefix of an `aws-sdk` error: DynamoDB is DynamoDb, SFN is Sfn, SageMaker and S3 stay."""
    words = re.split(r"[\s-]+", service_id)
    return "".join(re.sub(r"[A-Z]{2,}", lambda run: run[0].capitalize(), word) for word in words)


def modelled_error(prefix: str, otherwise: str, code: str, service_model: Any) -> str:
    """`prefix` and the error's name when the service's model has it, else the service's general exception."""
    shapes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in service_model.error_shapes}
    shapes |= {shape.name for shape in service_model.error_shapes}
    if code not in shapes:
        return f"{prefix}.{otherwise}"
    return f"{prefix}.{code}" if code.endswith("Exception") else f"{prefix}.{code}Exception"


def unknown_function_error(payload: str) -> tuple[str, str] | None:
    """Error and cause of a failed function whose payload names no error type; None when it names one."""
    try:
        document = json.loads(payload)
    except ValueError:
        document = payload
    if isinstance(document, dict) and document.get("errorType"):
        return None
    cause = "The cause could not be determined because Lambda did not return an error type."
    return "Lambda.Unknown", f"{cause} Returned payload: {payload}"


def client_error_cause(service: str, error: ClientError) -> str:
    """The cause of a failed call, as the optimized integrations write it."""
    about, told = error.response["ResponseMetadata"], error.response["Error"]
    details = (
        f"Service: {service}",
        f"Status Code: {about['HTTPStatusCode']}",
        f"Error Code: {told['Code']}",
        f"Request ID: {about.get('RequestId', '')}",
        "Proxy: null",
    )
    return f"{told['Message']} ({'; '.join(details)})"


def with_iso_dates(value: Any) -> Any:
    """`value` with datetimes as the `aws-sdk` integrations give them: 2024-05-01T12:00:00.123Z."""
    return _mapped(value, lambda moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z")


def with_epoch_dates(value: Any) -> Any:
    """`value` with datetimes as the SageMaker integration gives them: milliseconds since the epoch."""
    return _mapped(value, lambda moment: int(moment.timestamp() * 1000))


def _mapped(value: Any, write: Any) -> Any:
    if isinstance(value, dict):
        return {key: _mapped(item, write) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, write) for item in value]
    return write(value) if isinstance(value, datetime) else value
