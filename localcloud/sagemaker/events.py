"""SageMaker's EventBridge events in AWS's shape."""

from datetime import datetime
from typing import Any

from localcloud.sagemaker.service import Record, Region

SOURCE = "aws.sagemaker"


def emit(region: Region, detail_type: str, detail: Record, resource_arn: str) -> None:
    """The event is on the default bus, with the resource's tags in its detail."""
    tagged = {**detail, "Tags": dict(region.tags.get(resource_arn, {}))}
    region.cloud.emit(SOURCE, detail_type, _milliseconds(tagged), [resource_arn], region=region.name)


def emit_package(region: Region, package: Record) -> None:
    """ "SageMaker Model Package State Change" is on the bus; its times are text, unlike those of all other events."""
    detail = _texts(package)
    region.cloud.emit(
        SOURCE, "SageMaker Model Package State Change", detail, [package["ModelPackageArn"]], region=region.name
    )


def upper_status(status: str) -> str:
    """InService as IN_SERVICE: the form in which endpoint events give the status."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in status).lstrip("_").upper()


def _milliseconds(value: Any) -> Any:
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: _milliseconds(member) for key, member in value.items() if member is not None}
    return [_milliseconds(member) for member in value] if isinstance(value, list) else value


def _texts(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {key: _texts(member) for key, member in value.items() if member is not None}
    return [_texts(member) for member in value] if isinstance(value, list) else value
