"""What a variant of an endpoint config is made of, by the kind of endpoint.

What serverless endpoints do not have (network isolation, data capture, a volume key, a second variant) is left out:
SageMaker developer guide, "Serverless Inference", feature exclusions.
"""

from typing import Any

from trimtab.contracts import Settings
from trimtab.names import ASYNC, VARIANT
from trimtab.spec.endpoint import EndpointSpec
from trimtab.spec.rollout import RolloutSpec
from trimtab.spec.staging import StagingSpec

WEIGHT = 1.0


def production_variant(model: str, rollout: RolloutSpec, name: str = VARIANT) -> dict[str, Any]:
    """The variant of production that serves ``model``."""
    if rollout.endpoint.kind == "serverless":
        return _variant(name, model, {"ServerlessConfig": _serverless(rollout.endpoint)})
    return _variant(name, model, _instances(rollout, rollout.instance_count))


def staging_variant(model: str, rollout: RolloutSpec) -> dict[str, Any]:
    """The variant of staging: serverless, or one instance of production's type."""
    if rollout.staging == "serverless":
        return _variant(VARIANT, model, {"ServerlessConfig": _serverless_staging(rollout.staging_test)})
    return _variant(VARIANT, model, _instances(rollout, 1))


def _variant(name: str, model: str, machines: dict[str, Any]) -> dict[str, Any]:
    return {"VariantName": name, "ModelName": model, **machines, "InitialVariantWeight": WEIGHT}


def _instances(rollout: RolloutSpec, count: int) -> dict[str, Any]:
    return {"InstanceType": rollout.instance_type, "InitialInstanceCount": count}


def _serverless(endpoint: EndpointSpec) -> dict[str, Any]:
    asked = endpoint.serverless
    made = {"MemorySizeInMB": asked.memory_mb, "MaxConcurrency": asked.max_concurrency}
    warm = {"ProvisionedConcurrency": asked.provisioned_concurrency} if asked.provisioned_concurrency else {}
    return made | warm


def _serverless_staging(staging: StagingSpec) -> dict[str, Any]:
    return {"MemorySizeInMB": staging.serverless_memory_mb, "MaxConcurrency": staging.serverless_concurrency}


def asynchronous(rollout: RolloutSpec, settings: Settings) -> dict[str, Any]:
    """The part of an endpoint config that makes it asynchronous; empty for other kinds."""
    if rollout.endpoint.kind != "async":
        return {}
    asked, folder = rollout.endpoint.asynchronous, f"s3://{settings.captures_bucket}/{settings.model}/{ASYNC}"
    output: dict[str, Any] = {"S3OutputPath": f"{folder}/answers", "S3FailurePath": f"{folder}/failures"}
    if settings.captures_key_id:
        output["KmsKeyId"] = settings.captures_key_id
    if asked.notify:
        output["NotificationConfig"] = {"SuccessTopic": settings.topic_arn, "ErrorTopic": settings.topic_arn}
    client = {"MaxConcurrentInvocationsPerInstance": asked.concurrency}
    return {"AsyncInferenceConfig": {"OutputConfig": output, "ClientConfig": client}}
