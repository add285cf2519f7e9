"""How many instances production may have, as Application Auto Scaling is told.

A scalable target belongs to an endpoint's name and its variant's, so it outlives every rollout that keeps both; it goes
with the endpoint, and is registered again when the endpoint comes back.
"""

from dataclasses import dataclass
from typing import Protocol

from trimtab.names import VARIANT
from trimtab.spec.rollout import RolloutSpec

DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
POLICY = "trimtab-requests-per-instance"


@dataclass(frozen=True)
class Scaling:
    """What one variant's instances follow."""

    resource: str
    """As Application Auto Scaling names the variant."""
    least: int
    most: int
    per_instance: float
    """Requests a minute that an instance is meant to answer."""
    scale_out_s: int
    scale_in_s: int


class Scaler(Protocol):
    """Keeps the number of instances of variants."""

    def follow(self, scaling: Scaling) -> None:
        """The variant is registered with these limits, and its instances follow its requests. Safe to repeat."""
        ...


def scaling_of(rollout: RolloutSpec, endpoint: str) -> Scaling | None:
    """What the spec asks for; None when the instances stay as many as they are."""
    asked = rollout.endpoint.autoscaling
    if asked is None:
        return None
    return Scaling(
        resource=f"endpoint/{endpoint}/variant/{VARIANT}",
        least=rollout.instance_count,
        most=asked.max_count,
        per_instance=asked.invocations_per_instance,
        scale_out_s=asked.scale_out_minutes * 60,
        scale_in_s=asked.scale_in_minutes * 60,
    )
