"""Makes the staging endpoint of a promotion; called by the promotion machine until it is InService."""

from typing import Any

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.aws.registry import SageMakerRegistry
from trimtab.contracts import Event, Promotion, Staging
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.errors import EndpointFailed, EndpointNotReady
from trimtab.ports import Endpoints, ModelRegistry
from trimtab.rollout.queue import ensure_may_go_on
from trimtab.rollout.requests import create_serving_model, staging_config
from trimtab.rollout.served import staging_of


class DeployStagingEvent(Event):
    """A promotion that holds the lease."""

    promotion: Promotion


@entrypoint(DeployStagingEvent)
def handler(event: DeployStagingEvent, runtime: Runtime) -> dict[str, Any]:
    """The staging endpoint is InService. Raises EndpointNotReady until then."""
    return deploy(event, runtime, SageMakerEndpoints.connect(), SageMakerRegistry.connect())


def deploy(
    event: DeployStagingEvent, runtime: Runtime, endpoints: Endpoints, registry: ModelRegistry
) -> dict[str, Any]:
    """What an earlier attempt made is found by its name; what an earlier promotion left is removed first."""
    ensure_may_go_on(runtime.ledger, registry, event.promotion)
    rollout = runtime.spec.rollout
    staging = staging_of(event.promotion, runtime.names, own_model=rollout.staging == "serverless")
    found = endpoints.describe(staging.endpoint)
    if found is None:
        _create(event.promotion, staging, runtime, endpoints)
        raise EndpointNotReady(f"{staging.endpoint} is being created")
    if found.config != staging.config:
        if found.status != "Deleting":
            endpoints.delete(staging.endpoint)
        raise EndpointNotReady(f"{staging.endpoint} of an earlier promotion is being removed")
    if found.status == "Failed":
        raise EndpointFailed(f"{staging.endpoint} could not be started: {found.failure}")
    if found.status != "InService":
        raise EndpointNotReady(f"{staging.endpoint} is {found.status}")
    return staging.to_json()


def _create(promotion: Promotion, staging: Staging, runtime: Runtime, endpoints: Endpoints) -> None:
    rollout, model = runtime.spec.rollout, staging.sagemaker_model
    create_serving_model(endpoints, model, promotion, runtime.settings, serverless=rollout.staging == "serverless")
    endpoints.create_config(staging_config(staging.config, model, rollout, runtime.settings))
    endpoints.create(staging.endpoint, staging.config)
