"""The section that says when a new fleet is worse than the old one, and how sure one must be."""

import re
from collections.abc import Iterator
from typing import Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from trimtab.spec.base import Section

RuleName = Literal["errors", "error_limit", "latency", "scores", "profile", "truth", "agreement"]
"""The judge's own rules."""
RULES: Final = ("errors", "error_limit", "latency", "scores", "profile", "truth", "agreement")
_PLACES: Final = ("endpoint", "config", "variant", "version", "model")
_STATISTIC: Final = r"^(Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?)$"


class JudgedMetric(Section):
    """A CloudWatch metric that a rollout must not worsen: of the business, or of the machines."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    """What verdicts call the rule."""
    namespace: str = Field(min_length=1)
    metric: str = Field(min_length=1)
    dimensions: dict[str, str] = Field(default_factory=dict)
    """``{endpoint}``, ``{config}``, ``{variant}``, ``{version}`` and ``{model}`` are those of the judged fleet."""
    statistic: str = Field(default="Average", pattern=_STATISTIC)
    """Of each minute."""
    compare: Literal["old", "before", "limit"] = "old"
    """With the old fleet in the same minutes, with the hour before the rollout, or with ``limit`` itself."""
    direction: Literal["higher", "lower", "both"] = "higher"
    """Which change is for the worse."""
    limit: float
    """Largest change for the worse, as a share of what it is compared with; or, for ``limit``, the value itself."""
    min_minutes: int = Field(default=5, ge=3)
    """Minutes with data, without which the rule is inconclusive."""
    required: bool = True
    """Whether traffic waits while the rule is inconclusive."""
    dry_run: bool = False

    @field_validator("dimensions")
    @classmethod
    def _known_places(cls, dimensions: dict[str, str]) -> dict[str, str]:
        unknown = [name for value in dimensions.values() for name in _places(value) if name not in _PLACES]
        if unknown:
            raise ValueError(f"{{{unknown[0]}}} stands for nothing: known are {', '.join(_PLACES)}")
        return dimensions

    @model_validator(mode="after")
    def _can_be_compared(self) -> Self:
        places = {name for value in self.dimensions.values() for name in _places(value)}
        if self.compare == "old" and not places & {"config", "variant", "version"}:
            raise ValueError("both fleets have the same dimensions: name {config} or {version}, or compare with before")
        if self.compare == "limit" and self.direction == "both":
            raise ValueError("a limit has one side: direction is higher or lower")
        if self.compare != "limit" and self.limit <= 0:
            raise ValueError("limit is a share of what the metric is compared with, above 0")
        return self


class JudgeSpec(Section):
    """How fleets are compared while traffic moves."""

    alpha: float = Field(default=0.02, gt=0, le=0.2)
    """Largest chance of going back although both fleets are equal, over all rules and all looks of one rollout."""
    max_error_excess: float | None = Field(default=None, gt=0, lt=1)
    """Share of 5xx that the new fleet may have beyond the old one's; half of ``max_error_share`` when absent."""
    max_slowdown: float = Field(default=0.15, gt=0)
    """How much slower a typical request may become, as a share of what it took."""
    min_slowdown_ms: float = Field(default=1.0, ge=0)
    """A slowdown of fewer milliseconds is held against nobody."""
    min_points: int = Field(default=50, ge=50)
    """Requests of each fleet without which latencies, and scores without which scores are inconclusive."""
    max_score_distance: float = Field(default=0.3, gt=0, lt=1)
    """Largest distance between the distributions of both fleets' scores (Kolmogorov-Smirnov, 0 to 1)."""
    max_loss_increase: float = Field(default=0.1, gt=0)
    """How much more wrong answers may be where truth has come, as a share of the old version's mean loss."""
    min_agreement: float = Field(default=0.3, gt=-1, lt=1)
    """Smallest rank correlation between both versions' answers to the same records."""
    metrics: tuple[JudgedMetric, ...] = Field(default=(), max_length=10)
    required: tuple[RuleName, ...] = ("errors", "error_limit", "latency")
    """Traffic waits while one of these is inconclusive."""
    dry_run: tuple[RuleName, ...] = ()
    """Judged and shown, but without consequence."""
    without: tuple[RuleName, ...] = ()
    """Rules that are not judged at all."""
    errors_limit: int = Field(default=4, ge=0)
    """Looks in a row at which the source of a required rule may be unreadable; one more, and the new fleet fails."""
    synthetic: Literal["when_thin", "always", "never"] = "when_thin"
    """When the golden records are sent to production: with ``when_thin`` as long as there is too little to judge by."""

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [*RULES, *(metric.name for metric in self.metrics)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two rules are called '{twice[0]}'")
        return self


def _places(value: str) -> Iterator[str]:
    """Names in braces."""
    yield from re.findall(r"\{([^{}]*)\}", value)
