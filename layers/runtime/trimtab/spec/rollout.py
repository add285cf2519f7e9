"""The section that says how production traffic moves to an approved version."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.after import AfterSpec
from trimtab.spec.base import Section
from trimtab.spec.endpoint import EndpointSpec
from trimtab.spec.judging import JudgeSpec
from trimtab.spec.staging import StagingSpec
from trimtab.spec.strategies import ChecksSpec, ShadowSpec, StepSpec

Percent = Annotated[int, Field(ge=1, le=100)]


class RolloutSpec(Section):
    """How production traffic moves to an approved version."""

    strategy: Literal["canary", "linear", "all_at_once", "rolling", "stepped", "shadow"] = "canary"
    """The first four are SageMaker's guardrails; ``stepped`` and ``shadow`` are moved by Trimtab."""
    percent: int = Field(default=20, ge=5, le=50)
    """Size of the canary, of a linear step or of a rolling batch, in per cent of capacity."""
    steps: tuple[Percent | StepSpec, ...] = Field(default=(5, 25, 100), min_length=1, max_length=20)
    """Of ``stepped``: shares of the requests in per cent, or steps with a bake and a gate of their own."""
    shadow: ShadowSpec = ShadowSpec()
    """Of ``shadow``."""
    bake_minutes: int = Field(default=10, ge=0, le=60)
    """How long each step is watched. With 0 nothing is compared before all traffic has moved."""
    gate: Literal["manual"] | None = None
    """``manual``: nothing moves before a person has released it, with ``trimtab rollout release``."""
    gate_hours: int = Field(default=24, ge=1, le=168)
    """How long a gate waits for a person; then the rollout goes back."""
    hold_minutes: int = Field(default=60, ge=0, le=1440)
    """How long ``stepped`` and ``shadow`` wait for a verdict beyond the bake; then the rollout goes back."""
    on_inconclusive: Literal["rollback", "proceed"] = "rollback"
    """What happens at the end of the waiting when nothing can be said of the new version for lack of evidence."""
    alarms: tuple[str, ...] = Field(default=(), max_length=8)
    """Names of your own CloudWatch alarms: each must be OK when the rollout begins, and ends it when it rings."""
    checks: ChecksSpec = ChecksSpec()
    termination_minutes: int = Field(default=0, ge=0, le=60)
    instance_type: str = "ml.m5.large"
    instance_count: int = Field(default=2, ge=1)
    max_error_share: float = Field(default=0.01, gt=0, lt=1)
    """Share of requests that may be answered with a 5xx by the new fleet."""
    max_latency_ms: float = Field(default=500, gt=0)
    """Largest single-row latency at the 99th percentile in staging."""
    capture_percent: int = Field(default=100, ge=0, le=100)
    staging: Literal["instance", "serverless"] = "serverless"
    """What the staging endpoint runs on."""
    staging_test: StagingSpec = StagingSpec()
    endpoint: EndpointSpec = EndpointSpec()
    min_requests: int = Field(default=50, ge=1)
    """Requests that the new fleet must have answered before the two fleets are compared."""
    judge: JudgeSpec = JudgeSpec()
    after: AfterSpec = AfterSpec()

    @model_validator(mode="after")
    def _endpoint_can_be_watched(self) -> Self:
        kind = self.endpoint.kind
        if kind == "serverless" and self.capture_percent:
            raise ValueError(
                "SageMaker captures nothing of a serverless endpoint, so neither drift nor quality of its answers is "
                "measured: set capture_percent to 0 to say that you know, or choose another endpoint.kind"
            )
        if kind == "async" and self.judge.synthetic == "always":
            raise ValueError(
                "an asynchronous endpoint is not asked by the judge itself, for answers come to S3 at a time of their "
                "own: leave judge.synthetic out"
            )
        if self.strategy == "shadow" and kind != "realtime":
            raise ValueError(f"a shadow needs a real-time endpoint, and this one is {kind}: choose another strategy")
        if self.moved_by in ("rolling", "stepped") and kind == "serverless":
            raise ValueError(f"a serverless endpoint has one variant and no instances to move by {self.moved_by}")
        return self

    @model_validator(mode="after")
    def _steps_grow_to_all(self) -> Self:
        percents = [step.percent for step in self.stepped()]
        if percents[-1] != 100 or any(after <= before for before, after in pairwise(percents)):
            raise ValueError(f"steps must grow and end with 100, and are {percents}")
        return self

    def stepped(self) -> tuple[StepSpec, ...]:
        """``steps``, each with its own bake."""
        written = (StepSpec(percent=step) if isinstance(step, int) else step for step in self.steps)
        return tuple(
            step if step.bake_minutes is not None else step.model_copy(update={"bake_minutes": self.bake_minutes})
            for step in written
        )

    @property
    def moved_by(self) -> str:
        """The strategy by which traffic moves: what follows a shadow, or the strategy itself."""
        return self.shadow.then if self.strategy == "shadow" else self.strategy
