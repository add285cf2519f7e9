"""What is sent to SageMaker to serve a version: its container, its endpoint config and the update request."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.contracts import Promotion, Settings
from trimtab.names import SHADOW, VARIANT
from trimtab.ports import Endpoints
from trimtab.rollout.candidate import ENVIRONMENT
from trimtab.rollout.guardrails import deployment_config
from trimtab.rollout.variants import asynchronous, production_variant, staging_variant
from trimtab.spec.rollout import RolloutSpec

CAPTURE_TYPES = ["application/jsonlines", "application/json"]
VERSION_VARIABLE = "TRIMTAB_VERSION"
"""Environment variable by which a container knows its version; the serving code in the artifact reads it."""


def serving_environment(version: int) -> dict[str, str]:
    """Environment of a serving container: the code lies inside the artifact, so no network is needed."""
    return {**ENVIRONMENT, VERSION_VARIABLE: str(version)}


def create_serving_model(
    endpoints: Endpoints, name: str, promotion: Promotion, settings: Settings, *, serverless: bool = False
) -> None:
    """The SageMaker model ``name`` serves the artifact that was checked, without a network.

    SageMaker cannot isolate a serverless container; that one gets a role which may only read artifacts.
    """
    endpoints.create_model(
        name,
        image_uri=promotion.image_uri or settings.image_uri,
        artifact_uri=promotion.artifact_uri,
        environment=serving_environment(promotion.version),
        role_arn=settings.serverless_role_arn if serverless else settings.execution_role_arn,
        isolated=not serverless,
    )


def production_config(
    name: str, model: str, rollout: RolloutSpec, settings: Settings, capture_uri: str
) -> dict[str, Any]:
    """CreateEndpointConfig request for production: captured, encrypted, with the variant name that never changes."""
    config = {"EndpointConfigName": name, "ProductionVariants": [production_variant(model, rollout)]}
    if rollout.endpoint.kind == "serverless":
        return config
    captured = {"DataCaptureConfig": _capture(rollout, settings, capture_uri)}
    return config | _volume_key(settings) | captured | asynchronous(rollout, settings)


def shared_config(
    name: str,
    made: Mapping[str, Any],
    serving: Mapping[str, Any],
    counts: Mapping[str, int],
    newcomer: Mapping[str, float],
) -> dict[str, Any]:
    """CreateEndpointConfig request in which the version that serves and the new one run side by side.

    ``made`` is the new version's own config and ``serving`` the one that serves; ``counts`` are the instances that
    variants have now, which neither has fewer of. ``newcomer`` names the new version's variant, with its weight.
    """
    ((variant, weight),) = newcomer.items()
    (old,), (new,) = serving["ProductionVariants"], made["ProductionVariants"]
    count = counts.get(VARIANT)
    both = [{**old, "InitialVariantWeight": 1.0}, {**new, "VariantName": variant, "InitialVariantWeight": weight}]
    if count is not None:
        both = [{**each, "InitialInstanceCount": max(count, each["InitialInstanceCount"])} for each in both]
    if variant == SHADOW:
        variants: dict[str, Any] = {"ProductionVariants": both[:1], "ShadowProductionVariants": both[1:]}
    else:
        variants = {"ProductionVariants": both}
    return {**made, "EndpointConfigName": name, **variants}


def staging_config(name: str, model: str, rollout: RolloutSpec, settings: Settings) -> dict[str, Any]:
    """CreateEndpointConfig request for staging: one instance or serverless, not captured."""
    config = {"EndpointConfigName": name, "ProductionVariants": [staging_variant(model, rollout)]}
    return config if rollout.staging == "serverless" else config | _volume_key(settings)


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


def update_request(
    endpoint: str, config: str, rollout: RolloutSpec, alarms: Sequence[str], instances: int = 0
) -> dict[str, Any]:
    """UpdateEndpoint request with guardrails. Raises PlanError when SageMaker would refuse it.

    Capture and weights are the new config's. So is the number of ``instances``, unless more of them run now, because
    autoscaling has added some: then that many are kept.
    """
    own = [
        "DesiredWeight",
        "DataCaptureConfig",
        *(["DesiredInstanceCount"] if instances <= rollout.instance_count else []),
    ]
    return {
        "EndpointName": endpoint,
        "EndpointConfigName": config,
        "RetainAllVariantProperties": True,
        "ExcludeRetainedVariantProperties": [{"VariantPropertyType": kind} for kind in own],
        "DeploymentConfig": deployment_config(rollout, alarms),
    }
