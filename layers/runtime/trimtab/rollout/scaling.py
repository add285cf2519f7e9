"""How many instances production may have, as Application Auto Scaling is told.

A scalable target belongs to an endpoint's name and its variant's, so it outlives every rollout that keeps both; it goes
with the endpoint, and is registered again when the endpoint comes back.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from trimtab.names import VARIANT
from trimtab.spec.rollout import RolloutSpec

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
BACKLOG = "ApproximateBacklogSizePerInstance"
"""What asynchronous endpoints have in its place, by the endpoint's name alone."""
POLICY = "trimtab-requests-per-instance"
WAKING = "trimtab-wake"
"""Policy that starts the first instance: what is tracked per instance says nothing while there is none."""
UNSERVED = "HasBacklogWithoutCapacity"
"""1 while requests wait and there is no instance."""


@dataclass(frozen=True)
class Scaling:
    """What one variant's instances follow."""

    resource: str
    """As Application Auto Scaling names the variant."""
    least: int
    most: int
    per_instance: float
    """Requests a minute that an instance is meant to answer, or that may wait for it."""
    scale_out_s: int
    scale_in_s: int
    metric: Literal["requests", "backlog"] = "requests"

    @property
    def endpoint(self) -> str:
        return self.resource.split("/")[1]

    @property
    def wakes(self) -> bool:
        """Whether there may be no instance, so that a request that waits has to have one started."""
        return self.least == 0


class Scaler(Protocol):
    """Keeps the number of instances of variants."""

    def follow(self, scaling: Scaling) -> None:
        """The variant is registered with these limits, and its instances follow its requests. Safe to repeat.

        Raises ServiceRefused.
        """
        ...

    def following(self, resource: str) -> Scaling | None:
        """What the variant is registered with; None when it is not, or its instances follow nothing.

        Raises ServiceRefused.
        """
        ...


def scaling_of(rollout: RolloutSpec, endpoint: str, *, protected: bool = True) -> Scaling | None:
    """What the spec asks for; None when the instances stay as many as they are.

    In a stage whose state is ``protected`` an endpoint always has instances.
    """
    asked = rollout.endpoint.autoscaling
    if asked is None:
        return None
    waits = rollout.endpoint.kind == "async"
    return Scaling(
        resource=f"endpoint/{endpoint}/variant/{VARIANT}",
        least=0 if asked.to_zero and not protected else rollout.instance_count,
        most=asked.max_count,
        per_instance=asked.backlog_per_instance if waits else asked.invocations_per_instance,
        scale_out_s=asked.scale_out_minutes * 60,
        scale_in_s=asked.scale_in_minutes * 60,
        metric="backlog" if waits else "requests",
    )
