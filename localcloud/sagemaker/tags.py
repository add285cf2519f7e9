"""Tags of the resources that the local cloud keeps itself; tags of all others are moto's."""

from typing import Any

from localcloud.sagemaker.api import PassOnError
from localcloud.sagemaker.service import Operation, Region, Request

_KINDS = (
    "training-job", "processing-job", "transform-job", "hyper-parameter-tuning-job", "model", "endpoint-config",
    "endpoint", "model-package-group", "model-package", "feature-group", "artifact", "action", "context",
    "experiment", "experiment-trial", "experiment-trial-component",
)  # fmt: skip


def add_tags(region: Region, request: Request) -> dict[str, Any]:
    """The resource has the tags."""
    resource_arn = _ours(request)
    region.set_tags(resource_arn, request["Tags"])
    return {"Tags": _pairs(region, resource_arn)}


def list_tags(region: Region, request: Request) -> dict[str, Any]:
    """The tags of a resource."""
    return {"Tags": _pairs(region, _ours(request))}


def delete_tags(region: Region, request: Request) -> None:
    """The resource has none of the tags."""
    kept = region.tags.get(_ours(request), {})
    for key in request["TagKeys"]:
        kept.pop(key, None)


def _ours(request: Request) -> str:
    resource_arn = str(request["ResourceArn"])
    if resource_arn.split(":")[-1].partition("/")[0] not in _KINDS:
        raise PassOnError(resource_arn)
    return resource_arn


def _pairs(region: Region, resource_arn: str) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in region.tags.get(resource_arn, {}).items()]


OPERATIONS: dict[str, Operation] = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}
