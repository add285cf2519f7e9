"""Whether production kept what a new config must not lose: its capture, its instances, and what these follow.

RetainAllVariantProperties keeps the number of instances, and scalable targets belong to names that stay. Neither is
left to trust: what is there is looked at once a version serves, and scaling that is gone is registered again.
"""

from dataclasses import dataclass
from typing import Any

from trimtab.errors import ServiceRefused
from trimtab.names import VARIANT
from trimtab.ports import EndpointState, Notifier
from trimtab.rollout.scaling import Scaler, Scaling, scaling_of
from trimtab.spec.rollout import RolloutSpec

KEPT, AGAIN, NONE = "kept", "registered again", "none is asked for"


@dataclass(frozen=True)
class Carried:
    """What one endpoint was found with, and what of it is not as it should be, in sentences."""

    capture_percent: int | None
    instances: int | None
    scaling: str
    missing: tuple[str, ...] = ()

    def told(self, notifier: Notifier) -> dict[str, Any]:
        """The form in which the ledger keeps it; people are told of what is missing."""
        if self.missing:
            notifier.send(
                "production lost some of its settings",
                "; ".join(self.missing),
                "what a new config must keep was looked at after the version came to serve",
                "Change the endpoint by a rollout of the same version, or look into CloudTrail for an update by hand.",
            )
        return {**vars(self), "missing": list(self.missing)}


def carried_over(
    live: EndpointState,
    rollout: RolloutSpec,
    scaler: Scaler | None,
    capture_percent: int | None = None,
    *,
    protected: bool = True,
) -> Carried:
    """What the endpoint has now; scaling that was lost, or is another than the spec's, is registered again.

    ``capture_percent`` is what its config asks for; the spec's when absent. ``scaler`` may be None where no scaling is
    asked for. Outside of a ``protected`` stage there may be no instance, where the spec says so.
    """
    asked = rollout.capture_percent if capture_percent is None else capture_percent
    wanted = scaling_of(rollout, live.name, protected=protected)
    least = wanted.least if wanted else rollout.instance_count
    missing = [*_lost_capture(live, rollout, asked), *_lost_instances(live, least)]
    scaling = NONE
    if wanted and scaler:
        try:
            scaling = _followed(wanted, scaler)
        except ServiceRefused as refused:
            scaling = "unknown"
            missing.append(str(refused))
    return Carried(live.capture_percent, live.counts.get(VARIANT), scaling, tuple(missing))


def _lost_capture(live: EndpointState, rollout: RolloutSpec, asked: int) -> list[str]:
    if rollout.endpoint.kind == "serverless" or (live.capture_percent or 0) == asked:
        return []
    return [f"{live.name} captures {live.capture_percent or 0} per cent of its requests and not {asked}"]


def _lost_instances(live: EndpointState, least: int) -> list[str]:
    count = live.counts.get(VARIANT)
    if count is None or count >= least:
        return []
    return [f"{live.name} has {count} instances, and the spec asks for {least} at least"]


def _followed(wanted: Scaling, scaler: Scaler) -> str:
    if scaler.following(wanted.resource) == wanted:
        return KEPT
    scaler.follow(wanted)
    return AGAIN
