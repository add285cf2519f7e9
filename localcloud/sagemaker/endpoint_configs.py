"""Endpoint configurations: variants, data capture and keys, kept as they were given."""

from typing import Any

from localcloud.sagemaker import listing
from localcloud.sagemaker.errors import UnsupportedError, ValidationError
from localcloud.sagemaker.models import find_model
from localcloud.sagemaker.service import Operation, Record, Region, Request, public

_SUPPORTED = frozenset(
    {
        "EndpointConfigName", "ProductionVariants", "DataCaptureConfig", "Tags", "KmsKeyId", "ExecutionRoleArn",
        "VpcConfig", "EnableNetworkIsolation", "ShadowProductionVariants", "AsyncInferenceConfig",
    }
)  # fmt: skip
_VARIANT_MEMBERS = frozenset(
    {
        "VariantName", "ModelName", "InitialInstanceCount", "InstanceType", "InitialVariantWeight", "ServerlessConfig",
        "VolumeSizeInGB", "ModelDataDownloadTimeoutInSeconds", "ContainerStartupHealthCheckTimeoutInSeconds",
        "EnableSSMAccess", "InferenceAmiVersion",
    }
)  # fmt: skip

_KINDS = ("ProductionVariants", "ShadowProductionVariants")


def create_endpoint_config(region: Region, request: Request) -> dict[str, Any]:
    """The configuration exists."""
    name = request["EndpointConfigName"]
    config_arn = region.arn("endpoint-config", name)
    if name in region.endpoint_configs:
        raise ValidationError(f'Cannot create already existing endpoint configuration "{config_arn}".')
    unknown = sorted(set(request) - _SUPPORTED)
    if unknown:
        raise UnsupportedError(f"{', '.join(unknown)} in an endpoint configuration")
    kinds = {kind: [_variant(region, each) for each in request.get(kind, [])] for kind in _KINDS}
    every = [variant["VariantName"] for variants in kinds.values() for variant in variants]
    if len(set(every)) < len(every):
        raise ValidationError("The names of production variants must be unique within an endpoint configuration.")
    _check_shadows(kinds)
    _check_serverless(region, request)
    _check_asynchronous(request)
    region.endpoint_configs[name] = {
        **{key: value for key, value in request.items() if key != "Tags"},
        **{kind: variants for kind, variants in kinds.items() if variants},
        "EndpointConfigArn": config_arn,
        "CreationTime": region.now(),
    }
    region.set_tags(config_arn, request.get("Tags", []))
    return {"EndpointConfigArn": config_arn}


def describe_endpoint_config(region: Region, request: Request) -> Record:
    """The configuration."""
    return public(find_config(region, request["EndpointConfigName"]))


def delete_endpoint_config(region: Region, request: Request) -> None:
    """The configuration is gone; endpoints that were made from it go on."""
    record = find_config(region, request["EndpointConfigName"])
    del region.endpoint_configs[record["EndpointConfigName"]]
    region.tags.pop(record["EndpointConfigArn"], None)


def find_config(region: Region, name: str) -> Record:
    """The configuration of this name. Raises ValidationError."""
    try:
        return region.endpoint_configs[name]
    except KeyError as error:
        config_arn = region.arn("endpoint-config", name)
        raise ValidationError(f'Could not find endpoint configuration "{config_arn}".') from error


def _variant(region: Region, variant: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(variant) - _VARIANT_MEMBERS)
    if unknown:
        raise UnsupportedError(f"{', '.join(unknown)} in a production variant")
    if "ModelName" not in variant:
        raise UnsupportedError("variants without a model (inference components)")
    find_model(region, variant["ModelName"])
    serverless = "ServerlessConfig" in variant
    if serverless == ("InstanceType" in variant):
        raise ValidationError(
            f"Production variant {variant['VariantName']} must have exactly one of InstanceType and ServerlessConfig."
        )
    if not serverless and "InitialInstanceCount" not in variant:
        raise ValidationError(f"Production variant {variant['VariantName']} must have InitialInstanceCount.")
    return {"InitialVariantWeight": 1.0, **variant}


def _check_shadows(kinds: dict[str, list[dict[str, Any]]]) -> None:
    production, shadows = kinds.values()
    if shadows and (len(shadows) > 1 or len(production) > 1):
        raise ValidationError("With a shadow variant there must be exactly one production and one shadow variant.")
    if shadows and any("ServerlessConfig" in each for each in (*production, *shadows)):
        raise ValidationError("Shadow variants cannot be used with serverless variants.")


def _check_serverless(region: Region, request: Request) -> None:
    """What AWS documents as excluded from serverless inference; its words for a refusal are not published."""
    serverless = [each for each in request["ProductionVariants"] if "ServerlessConfig" in each]
    if not serverless:
        return
    models = [find_model(region, each["ModelName"]) for each in serverless]
    found = {
        "multiple production variants": len(request["ProductionVariants"]) > 1,
        "data capture": request.get("DataCaptureConfig", {}).get("EnableCapture", "DataCaptureConfig" in request),
        "network isolation": any(model.get("EnableNetworkIsolation") for model in models),
        "VPC configuration": any(model.get("VpcConfig") for model in models),
    }
    if refused := [name for name, given in found.items() if given]:
        raise ValidationError(f"Serverless endpoints do not support {', '.join(refused)}.")


def _check_asynchronous(request: Request) -> None:
    if "AsyncInferenceConfig" not in request:
        return
    if any("ServerlessConfig" in each for each in request["ProductionVariants"]):
        raise ValidationError("AsyncInferenceConfig cannot be used with serverless variants.")
    output = request["AsyncInferenceConfig"]["OutputConfig"]
    if "S3OutputPath" not in output or output.get("NotificationConfig", {}).get("IncludeInferenceResponseIn"):
        raise UnsupportedError("asynchronous inference without S3OutputPath, or with answers in notifications")


OPERATIONS: dict[str, Operation] = {
    "CreateEndpointConfig": create_endpoint_config,
    "DescribeEndpointConfig": describe_endpoint_config,
    "DeleteEndpointConfig": delete_endpoint_config,
    "ListEndpointConfigs": listing.operation(
        listing.Listing(
            records=lambda region, _request: region.endpoint_configs.values(),
            answer="EndpointConfigs",
            name="EndpointConfigName",
            members=("EndpointConfigName", "EndpointConfigArn", "CreationTime"),
            descending=True,
        )
    ),
}
