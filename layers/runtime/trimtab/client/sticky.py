"""Sticky assignment of callers to the variants of an endpoint.

While a rollout by weights holds (``strategy: stepped``, with a gate for as long as an A/B test shall run), SageMaker
draws a variant for each request anew. A caller who names the variant decides for itself: here by a hash of the entity
that the request is about, so that one person, device or flight always meets the same version, on every server and after
every restart.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_BITS = 64


def variant_of(entity: str, weights: Mapping[str, float], salt: str = "") -> str:
    """The variant for ``entity``: as many entities get one as its share of the weights says.

    The points at which entities stand do not move when weights do (their order is the names', "main" last), so raising
    a challenger's weight moves entities to it and none away from it. ``salt`` names an experiment: another one draws
    anew. Raises ValueError when no weight is above 0.
    """
    shared = {name: float(weight) for name, weight in weights.items() if weight > 0}
    if not shared:
        raise ValueError("no variant has a weight above 0")
    digest = hashlib.sha256(f"{salt}\0{entity}".encode()).digest()
    point = int.from_bytes(digest[: _BITS // 8], "big") / 2**_BITS * sum(shared.values())
    names = sorted(shared, key=lambda name: (name == "main", name))
    for name in names:
        point -= shared[name]
        if point < 0:
            return name
    return names[-1]


@dataclass
class Sticky:
    """Asks an endpoint, naming the variant of each entity; the weights are those that are live, read now and then.

    ``sagemaker`` and ``runtime`` are boto3 clients; the caller needs DescribeEndpoint beside InvokeEndpoint.
    """

    sagemaker: Any
    runtime: Any
    endpoint: str
    salt: str = ""
    refresh_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    _weights: dict[str, float] = field(default_factory=dict)
    _read_at: float = -float("inf")

    def invoke(self, entity: str, **request: Any) -> Any:
        """InvokeEndpoint's answer of the entity's variant. ``request`` is that of InvokeEndpoint without a target."""
        weights = self.weights()
        if len(weights) > 1:
            request["TargetVariant"] = variant_of(entity, weights, self.salt)
        try:
            return self.runtime.invoke_endpoint(EndpointName=self.endpoint, **request)
        except self.runtime.exceptions.ValidationError:
            self._read_at = -float("inf")  # the variant may be gone since the weights were read
            return self.runtime.invoke_endpoint(EndpointName=self.endpoint, **request | self._target(entity, request))

    def _target(self, entity: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The target by fresh weights. Raises nothing: with one variant SageMaker takes its name, too."""
        return {"TargetVariant": variant_of(entity, self.weights(), self.salt)} if "TargetVariant" in request else {}

    def weights(self) -> Mapping[str, float]:
        """Live weight by variant, at most ``refresh_s`` old."""
        if self.clock() - self._read_at >= self.refresh_s:
            found = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
            self._weights = {each["VariantName"]: each["CurrentWeight"] for each in found["ProductionVariants"]}
            self._read_at = self.clock()
        return self._weights
