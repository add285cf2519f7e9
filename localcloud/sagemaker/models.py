"""Models: what an endpoint's containers run."""

from dataclasses import dataclass
from typing import Any

from localcloud.sagemaker import listing
from localcloud.sagemaker.errors import UnsupportedError, ValidationError
from localcloud.sagemaker.images import find_image
from localcloud.sagemaker.registry import find_package
from localcloud.sagemaker.service import Operation, Record, Region, Request, public

_CONTAINER_MEMBERS = frozenset(
    {
        "ContainerHostname", "Image", "Mode", "ModelDataUrl", "ModelDataSource", "Environment", "ModelPackageName",
        "InferenceSpecificationName",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Serving:
    """A model's one container, with a model package resolved to its image and artifact."""

    image_uri: str
    artifact: dict[str, Any] | None
    environment: dict[str, str]
    role_arn: str
    isolated: bool


def create_model(region: Region, request: Request) -> dict[str, Any]:
    """The model exists."""
    name = request["ModelName"]
    model_arn = region.arn("model", name)
    if name in region.models:
        raise ValidationError(f'Cannot create already existing model "{model_arn}".')
    container = _container(request)
    if "ExecutionRoleArn" not in request:
        raise UnsupportedError("a model without ExecutionRoleArn")
    find_image(region.cloud, _resolved(region, container)["Image"])
    region.require_role(request["ExecutionRoleArn"], model_arn)
    region.models[name] = {
        "EnableNetworkIsolation": False,
        **{key: value for key, value in request.items() if key != "Tags"},
        "ModelArn": model_arn,
        "CreationTime": region.now(),
    }
    region.set_tags(model_arn, request.get("Tags", []))
    return {"ModelArn": model_arn}


def describe_model(region: Region, request: Request) -> Record:
    """The model."""
    return public(find_model(region, request["ModelName"]))


def delete_model(region: Region, request: Request) -> None:
    """The model is gone; endpoints that serve it go on."""
    record = find_model(region, request["ModelName"])
    del region.models[record["ModelName"]]
    region.tags.pop(record["ModelArn"], None)


def find_model(region: Region, name: str) -> Record:
    """The model of this name. Raises ValidationError."""
    try:
        return region.models[name]
    except KeyError as error:
        raise ValidationError(f'Could not find model "{region.arn("model", name)}".') from error


def serving(region: Region, name: str) -> Serving:
    """What the model's container needs."""
    record = find_model(region, name)
    container = _resolved(region, _container(record))
    return Serving(
        image_uri=container["Image"],
        artifact=_artifact(container),
        environment=dict(container.get("Environment", {})),
        role_arn=record["ExecutionRoleArn"],
        isolated=record["EnableNetworkIsolation"],
    )


def _container(request: Request) -> dict[str, Any]:
    containers = [request["PrimaryContainer"]] if "PrimaryContainer" in request else request.get("Containers", [])
    if not containers:
        raise ValidationError("Either PrimaryContainer or Containers must be given.")
    if len(containers) > 1:
        raise UnsupportedError("inference pipelines (a model of several containers)")
    container = dict(containers[0])
    unknown = sorted(set(container) - _CONTAINER_MEMBERS)
    if unknown or container.get("Mode", "SingleModel") != "SingleModel":
        raise UnsupportedError(f"{', '.join(unknown) or container['Mode']} in a model's container")
    return container


def _resolved(region: Region, container: dict[str, Any]) -> dict[str, Any]:
    """The container with the image and artifact of its model package, if it names one."""
    if "ModelPackageName" not in container:
        if "Image" not in container:
            raise ValidationError("A model's container needs an Image or a ModelPackageName.")
        return container
    package = find_package(region, container["ModelPackageName"])
    if package.get("ModelApprovalStatus", "Approved") != "Approved":
        raise ValidationError(
            f"Model package {package['ModelPackageArn']} cannot be deployed: its approval status is "
            f"{package['ModelApprovalStatus']}."
        )
    packaged = package.get("InferenceSpecification", {}).get("Containers", [])
    if len(packaged) != 1:
        raise UnsupportedError("model packages that do not have exactly one container")
    environment = {**packaged[0].get("Environment", {}), **container.get("Environment", {})}
    return {**packaged[0], **container, "Environment": environment}


def _artifact(container: dict[str, Any]) -> dict[str, Any] | None:
    """The artifact as {S3Uri, CompressionType}; None for a container that brings its model along."""
    if "ModelDataUrl" in container:
        return {"S3Uri": container["ModelDataUrl"], "CompressionType": "Gzip"}
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    return None if source is None else {"S3Uri": source["S3Uri"], "CompressionType": source["CompressionType"]}


OPERATIONS: dict[str, Operation] = {
    "CreateModel": create_model,
    "DescribeModel": describe_model,
    "DeleteModel": delete_model,
    "ListModels": listing.operation(
        listing.Listing(
            records=lambda region, _request: region.models.values(),
            answer="Models",
            name="ModelName",
            members=("ModelName", "ModelArn", "CreationTime"),
            descending=True,
        )
    ),
}
