"""The section that says how production traffic moves to an approved version."""

from typing import Literal

from pydantic import Field

from trimtab.spec.after import AfterSpec
from trimtab.spec.base import Section
from trimtab.spec.endpoint import EndpointSpec
from trimtab.spec.staging import StagingSpec


class RolloutSpec(Section):
    """How production traffic moves to an approved version."""

    strategy: Literal["canary", "linear", "all_at_once", "rolling"] = "canary"
    percent: int = Field(default=20, ge=5, le=50)
    """Size of the canary, of a linear step or of a rolling batch, in per cent of capacity."""
    bake_minutes: int = Field(default=10, ge=0, le=60)
    termination_minutes: int = Field(default=0, ge=0, le=60)
    instance_type: str = "ml.m5.large"
    instance_count: int = Field(default=2, ge=1)
    max_error_share: float = Field(default=0.01, gt=0, lt=1)
    """Share of requests that may be answered with a 5xx by the new fleet."""
    max_latency_ms: float = Field(default=500, gt=0)
    """Largest single-row latency at the 99th percentile in staging."""
    capture_percent: int = Field(default=100, ge=0, le=100)
    staging: Literal["instance", "serverless"] = "instance"
    """What the staging endpoint runs on."""
    staging_test: StagingSpec = StagingSpec()
    endpoint: EndpointSpec = EndpointSpec()
    min_requests: int = Field(default=50, ge=1)
    """Requests that the new fleet must have answered before the two fleets are compared."""
    after: AfterSpec = AfterSpec()
