"""What is sent to SageMaker to serve a version: its container, its endpoint config and the update request."""

from collections.abc import Sequence
from typing import Any

from trimtab.contracts import Promotion, Settings
from trimtab.names import VARIANT
from trimtab.ports import Endpoints
from trimtab.rollout.candidate import ENVIRONMENT
from trimtab.rollout.guardrails import deployment_config
from trimtab.spec.rollout import RolloutSpec

CAPTURE_TYPES = ["application/jsonlines", "application/json"]
VERSION_VARIABLE = "TRIMTAB_VERSION"
"""Environment variable by which a container knows its version; the serving code in the artifact reads it."""
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def serving_environment(version: int) -> dict[str, str]:
    """Environment of a serving container: the code lies inside the artifact, so no network is needed."""
    return {**ENVIRONMENT, VERSION_VARIABLE: str(version)}


def create_serving_model(endpoints: Endpoints, name: str, promotion: Promotion, settings: Settings) -> None:
    """The SageMaker model ``name`` serves the artifact that was checked, without a network."""
    endpoints.create_model(
        name,
        image_uri=promotion.image_uri or settings.image_uri,
        artifact_uri=promotion.artifact_uri,
        environment=serving_environment(promotion.version),
        role_arn=settings.execution_role_arn,
    )


def production_config(
    name: str, model: str, rollout: RolloutSpec, settings: Settings, capture_uri: str
) -> dict[str, Any]:
    """CreateEndpointConfig request for production: captured, encrypted, with the variant name that never changes."""
    config = {"EndpointConfigName": name, "ProductionVariants": [_instances(model, rollout, rollout.instance_count)]}
    return config | _volume_key(settings) | {"DataCaptureConfig": _capture(rollout, settings, capture_uri)}


def staging_config(name: str, model: str, rollout: RolloutSpec, settings: Settings) -> dict[str, Any]:
    """CreateEndpointConfig request for staging: one instance or serverless, not captured."""
    if rollout.staging == "serverless":
        variant = {"VariantName": VARIANT, "ModelName": model, "ServerlessConfig": SERVERLESS}
        return {"EndpointConfigName": name, "ProductionVariants": [variant]}
    variants = [_instances(model, rollout, 1)]
    return {"EndpointConfigName": name, "ProductionVariants": variants} | _volume_key(settings)


def _instances(model: str, rollout: RolloutSpec, count: int) -> dict[str, Any]:
    return {
        "VariantName": VARIANT,
        "ModelName": model,
        "InstanceType": rollout.instance_type,
        "InitialInstanceCount": count,
        "InitialVariantWeight": 1.0,
    }


def _volume_key(settings: Settings) -> dict[str, str]:
    return {"KmsKeyId": settings.artifacts_key_id} if settings.artifacts_key_id else {}


def _capture(rollout: RolloutSpec, settings: Settings, capture_uri: str) -> dict[str, Any]:
    key = {"KmsKeyId": settings.captures_key_id} if settings.captures_key_id else {}
    return key | {
        "EnableCapture": rollout.capture_percent > 0,
        "InitialSamplingPercentage": rollout.capture_percent,
        "DestinationS3Uri": capture_uri,
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": CAPTURE_TYPES},
    }


def create_request(endpoint: str, config: str) -> dict[str, Any]:
    """CreateEndpoint request. The first version of an endpoint has no old fleet, so nothing can be shifted."""
    return {"EndpointName": endpoint, "EndpointConfigName": config}


def update_request(endpoint: str, config: str, rollout: RolloutSpec, alarms: Sequence[str]) -> dict[str, Any]:
    """UpdateEndpoint request with guardrails. Raises PlanError when SageMaker would refuse it."""
    return {
        "EndpointName": endpoint,
        "EndpointConfigName": config,
        "DeploymentConfig": deployment_config(rollout, alarms),
    }
