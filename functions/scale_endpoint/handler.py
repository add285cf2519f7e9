"""Has production's instances follow its requests; called whenever the endpoint has come into service."""

from dataclasses import asdict
from typing import Any

from trimtab.aws.scaler import ApplicationAutoScaling
from trimtab.contracts import Event
from trimtab.entrypoint import Runtime, entrypoint
from trimtab.rollout.scaling import Scaler, scaling_of


class ScaleEndpointEvent(Event):
    """The endpoint is in service: made, updated, gone back or woken."""


@entrypoint(ScaleEndpointEvent)
def handler(event: ScaleEndpointEvent, runtime: Runtime) -> dict[str, Any]:
    """The endpoint is scaled as model.yaml says."""
    return scale(runtime, ApplicationAutoScaling.connect())


def scale(runtime: Runtime, scaler: Scaler) -> dict[str, Any]:
    """What was registered; the same however often it is asked for."""
    wanted = scaling_of(runtime.spec.rollout, runtime.names.endpoint, protected=runtime.settings.protected)
    if wanted is None:
        return {"scaled": False}
    scaler.follow(wanted)
    return {"scaled": True, **asdict(wanted)}
