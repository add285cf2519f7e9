"""The operations on endpoints."""

import math
import threading
from typing import Any

from localcloud.sagemaker import listing, quotas
from localcloud.sagemaker.endpoint import PROVISIONING_ERRORS, Endpoint
from localcloud.sagemaker.endpoint_configs import find_config
from localcloud.sagemaker.errors import ValidationError
from localcloud.sagemaker.fleet import config_usage, variant_usage
from localcloud.sagemaker.quotas import Usage
from localcloud.sagemaker.rollout import Retained, Rollout
from localcloud.sagemaker.rollout_plan import InvalidDeploymentConfigError, Plan, plan_rollout
from localcloud.sagemaker.service import Operation, Record, Region, Request


def create_endpoint(region: Region, request: Request) -> dict[str, Any]:
    """The endpoint exists and is Creating. A DeploymentConfig is kept for later updates."""
    name = request["EndpointName"]
    if name in region.endpoints:
        raise ValidationError(f'Cannot create already existing endpoint "{region.arn("endpoint", name)}".')
    config = find_config(region, request["EndpointConfigName"])
    deployment = request.get("DeploymentConfig")
    _plan(config, deployment or {})
    quotas.require(region, config_usage(config), name)
    endpoint = Endpoint(region, name, config, deployment)
    endpoint.reserved = config_usage(config)
    region.endpoints[name] = endpoint
    region.set_tags(endpoint.arn, request.get("Tags", []))
    endpoint.set_status("Creating")
    _in_background(endpoint.create, f"create-{name}")
    return {"EndpointArn": endpoint.arn}


def describe_endpoint(region: Region, request: Request) -> Record:
    """The endpoint, with both fleets while it is updating."""
    return _find(region, request).describe()


def update_endpoint(region: Region, request: Request) -> dict[str, Any]:
    """The endpoint is Updating to the configuration."""
    endpoint = _in_service(_find(region, request))
    config = find_config(region, request["EndpointConfigName"])
    deployment = request.get("DeploymentConfig")
    if deployment is None and request.get("RetainDeploymentConfig"):
        deployment = endpoint.last_deployment
    plan = _plan(config, deployment or {})
    _require_instances_to_stay(endpoint, config)
    _require_same_variants(endpoint, config, deployment)
    rolling = plan.kind == "ROLLING"
    wanted = Usage({name: math.ceil(count * plan.shares[0]) for name, count in config_usage(config).items()})
    quotas.require(region, wanted if rolling else config_usage(config), endpoint.name)
    endpoint.last_deployment = deployment
    rollout = Rollout(endpoint, config, plan, Retained(endpoint, request))
    endpoint.set_status("Updating")
    _in_background(rollout.run, f"update-{endpoint.name}")
    return {"EndpointArn": endpoint.arn}


def update_weights_and_capacities(region: Region, request: Request) -> dict[str, Any]:
    """The endpoint is Updating to the weights and counts."""
    endpoint = _in_service(_find(region, request))
    wanted = request["DesiredWeightsAndCapacities"]
    variants = endpoint.current.variants if endpoint.current else {}
    for each in wanted:
        if each["VariantName"] not in variants:
            raise ValidationError(f'The variant name(s) "{each["VariantName"]}" is/are not present within endpoint.')
        if variants[each["VariantName"]].serverless and "DesiredInstanceCount" in each:
            raise ValidationError("A serverless variant has no DesiredInstanceCount.")
        if each.get("DesiredInstanceCount") == 0 and endpoint.requests.config is None:  # the message is not AWS's own
            raise ValidationError("Only the variants of an asynchronous endpoint can have no instance.")
    for each in wanted:
        variant = variants[each["VariantName"]]
        more = each.get("DesiredInstanceCount", variant.count) - variant.count
        quotas.require(region, variant_usage(variant.config, more), endpoint.name)
    endpoint.set_status("Updating")
    _in_background(lambda: _apply(endpoint, wanted), f"scale-{endpoint.name}")
    return {"EndpointArn": endpoint.arn}


def delete_endpoint(region: Region, request: Request) -> None:
    """The endpoint is Deleting."""
    endpoint = _find(region, request)
    if endpoint.status == "Deleting":
        raise ValidationError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    endpoint.deleted.set()
    endpoint.set_status("Deleting")
    _in_background(endpoint.delete, f"delete-{endpoint.name}")


def _apply(endpoint: Endpoint, wanted: list[dict[str, Any]]) -> None:
    variants = endpoint.current.variants if endpoint.current else {}
    try:
        for each in wanted:
            variant = variants[each["VariantName"]]
            if "DesiredInstanceCount" in each:
                variant.scale(each["DesiredInstanceCount"])
                variant.desired_count = each["DesiredInstanceCount"]
            variant.weight = float(each.get("DesiredWeight", variant.weight))
    except PROVISIONING_ERRORS:
        endpoint.set_status("RollingBack")
    endpoint.set_status("InService")


def _find(region: Region, request: Request) -> Endpoint:
    try:
        return region.endpoints[request["EndpointName"]]
    except KeyError as error:
        endpoint_arn = region.arn("endpoint", request["EndpointName"])
        raise ValidationError(f'Could not find endpoint "{endpoint_arn}".') from error


def _in_service(endpoint: Endpoint) -> Endpoint:
    if endpoint.status in ("Creating", "Updating", "RollingBack", "Deleting"):
        raise ValidationError(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if endpoint.status not in ("InService", "UpdateRollbackFailed"):
        raise ValidationError(f'Cannot update endpoint "{endpoint.arn}" with status "{endpoint.status}".')
    return endpoint


def _plan(config: Record, deployment: dict[str, Any]) -> Plan:
    variants = config["ProductionVariants"]
    if "RollingUpdatePolicy" in deployment and (len(variants) > 1 or "ServerlessConfig" in variants[0]):
        raise ValidationError("A rolling deployment needs exactly one production variant with instances.")
    if deployment.get("AutoRollbackConfiguration", {}).get("Alarms") == []:
        raise ValidationError("AutoRollbackConfiguration needs between 1 and 10 alarms.")
    try:
        return plan_rollout(deployment, sum(variant.get("InitialInstanceCount", 1) for variant in variants))
    except InvalidDeploymentConfigError as error:
        raise ValidationError(str(error)) from error


def _require_instances_to_stay(endpoint: Endpoint, config: Record) -> None:
    """An endpoint with instances cannot become serverless; the other way it can."""
    before = endpoint.current.variants.values() if endpoint.current else []
    after = any("ServerlessConfig" in variant for variant in config["ProductionVariants"])
    if after and any(not variant.serverless for variant in before):
        raise ValidationError(f'Cannot update endpoint "{endpoint.arn}" with instances to a serverless one.')


def _require_same_variants(endpoint: Endpoint, config: Record, deployment: dict[str, Any] | None) -> None:
    """Guardrails shift traffic between fleets of the same variants; without a policy the variants may change."""
    before = set(endpoint.current.variants) if endpoint.current else set()
    after = {variant["VariantName"] for variant in config["ProductionVariants"]}
    if deployment and before != after:
        raise ValidationError(
            f"The new endpoint configuration must have the same production variants ({', '.join(sorted(before))}) "
            f"as the present one when a DeploymentConfig is given; it has {', '.join(sorted(after))}."
        )


def _in_background(action: Any, name: str) -> None:
    threading.Thread(target=action, name=name, daemon=True).start()


OPERATIONS: dict[str, Operation] = {
    "CreateEndpoint": create_endpoint,
    "DescribeEndpoint": describe_endpoint,
    "UpdateEndpoint": update_endpoint,
    "UpdateEndpointWeightsAndCapacities": update_weights_and_capacities,
    "DeleteEndpoint": delete_endpoint,
    "ListEndpoints": listing.operation(
        listing.Listing(
            records=lambda region, _request: [endpoint.record for endpoint in region.endpoints.values()],
            answer="Endpoints",
            name="EndpointName",
            members=("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus"),
            status="EndpointStatus",
            descending=True,
        )
    ),
}
