"""Puts the endpoint of a stage that is not production to sleep, and wakes it; called at the times of model.yaml."""

from typing import Any, Literal

from trimtab.aws.endpoints import SageMakerEndpoints
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.ports import Endpoints
from trimtab.rollout.sleep import Rest


class RestEndpointEvent(Event):
    """It is time."""

    act: Literal["sleep", "wake"]


@entrypoint(RestEndpointEvent)
def handler(event: RestEndpointEvent, runtime: Runtime) -> dict[str, Any]:
    """The endpoint sleeps, or is awake again, unless a rollout is under way."""
    return rest(event, runtime, SageMakerEndpoints.connect())


def rest(event: RestEndpointEvent, runtime: Runtime, endpoints: Endpoints) -> dict[str, Any]:
    """Safe to repeat: what sleeps goes on sleeping, and what is there stays."""
    found = Rest(runtime.names.endpoint, event.at, runtime.ledger, endpoints)
    return found.sleep() if event.act == "sleep" else found.wake()
