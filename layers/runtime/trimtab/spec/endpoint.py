"""The section that says what kind of endpoint serves production."""

from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section


class ServerlessSpec(Section):
    """A serverless endpoint: no instance is paid for while nobody asks."""

    memory_mb: int = Field(default=3072, ge=1024, le=6144, multiple_of=1024)
    max_concurrency: int = Field(default=20, ge=1, le=200)
    """Requests taken at once; more are throttled."""
    provisioned_concurrency: int = Field(default=0, ge=0, le=200)
    """Of these, kept warm and paid for."""

    @model_validator(mode="after")
    def _warm_ones_are_among_all(self) -> Self:
        if self.provisioned_concurrency > self.max_concurrency:
            raise ValueError(
                f"provisioned_concurrency ({self.provisioned_concurrency}) cannot exceed max_concurrency "
                f"({self.max_concurrency})"
            )
        return self


class AutoscalingSpec(Section):
    """Instances follow the requests, or the backlog of an asynchronous endpoint, by target tracking."""

    max_count: int = Field(ge=2, le=100)
    """The fewest instances are ``rollout.instance_count``, or none with ``to_zero``."""
    invocations_per_instance: float = Field(default=600, gt=0)
    """Requests a minute that one instance of a real-time endpoint is meant to answer."""
    backlog_per_instance: float = Field(default=5, gt=0)
    """Requests that may wait, or be worked on, for each instance of an asynchronous endpoint."""
    to_zero: bool = False
    """An asynchronous endpoint has no instance while nothing waits, and the first request waits until one has started;
    stages whose state is protected keep ``rollout.instance_count``."""
    scale_in_minutes: int = Field(default=5, ge=1, le=60)
    scale_out_minutes: int = Field(default=1, ge=1, le=60)


class AsyncSpec(Section):
    """An asynchronous endpoint: requests lie in S3 and so do the answers."""

    concurrency: int = Field(default=4, ge=1, le=1000)
    """Requests that one instance is given at once."""
    notify: bool = False
    """SNS tells of every answer and of every failure."""


class SleepSpec(Section):
    """When the endpoint of a stage that is not production does not exist, to save its instances."""

    at: str = Field(default="cron(0 19 ? * MON-FRI *)", pattern=r"^cron\(.+\)$")
    """EventBridge's expression, in UTC: the endpoint is deleted."""
    wake_at: str = Field(default="cron(0 7 ? * MON-FRI *)", pattern=r"^cron\(.+\)$")
    """And made again, on what it served."""


class EndpointSpec(Section):
    """What serves production."""

    kind: Literal["realtime", "serverless", "async"] = "realtime"
    serverless: ServerlessSpec = ServerlessSpec()
    asynchronous: AsyncSpec = AsyncSpec()
    autoscaling: AutoscalingSpec | None = None
    """Without it, the instances are ``rollout.instance_count``."""
    sleep: SleepSpec | None = None
    """Without it, the endpoint is always there; stages whose state is protected never sleep."""

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> Self:
        if self.kind == "serverless" and (self.autoscaling or self.sleep):
            raise ValueError("a serverless endpoint scales, and sleeps, by itself: leave autoscaling and sleep out")
        if self.kind == "async" and self.sleep:
            raise ValueError(
                "requests to an asynchronous endpoint wait in its queue, and are lost with it: leave sleep out"
            )
        if self.autoscaling:
            self._follows_its_own_metric(self.autoscaling)
        if self.kind != "serverless" and self.serverless != ServerlessSpec():
            raise ValueError(f"serverless is set and kind is {self.kind}: leave one of them out")
        if self.kind != "async" and self.asynchronous != AsyncSpec():
            raise ValueError(f"asynchronous is set and kind is {self.kind}: leave one of them out")
        return self

    def _follows_its_own_metric(self, scaling: AutoscalingSpec) -> None:
        """CloudWatch has no Invocations of asynchronous endpoints, and no backlog of others."""
        other = "invocations_per_instance" if self.kind == "async" else "backlog_per_instance"
        if scaling.to_zero and self.kind != "async":
            raise ValueError(
                f"a {self.kind} endpoint has one instance at least: leave to_zero out, or choose kind async"
            )
        if getattr(scaling, other) != AutoscalingSpec.model_fields[other].default:
            own = "backlog_per_instance" if self.kind == "async" else "invocations_per_instance"
            raise ValueError(f"instances of a {self.kind} endpoint follow {own}: set that in place of {other}")
