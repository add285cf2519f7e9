"""All that is known of both fleets since a rollout began."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

Minutes = Mapping[datetime, float]
"""A number for each minute, by its start; minutes without data are absent."""
RANKS: Final = (5, 15, 25, 35, 45, 55, 65, 75, 85, 95)
"""Percentiles that stand for a minute's latencies: each for a tenth of the requests."""


@dataclass(frozen=True)
class Fleet:
    """Where a fleet is found: with guardrails both run the same variant of two configs."""

    endpoint: str
    config: str
    variant: str

    @property
    def dimensions(self) -> dict[str, str]:
        """Under which SageMaker publishes the metrics of this fleet alone."""
        return {"EndpointName": self.endpoint, "VariantName": self.variant, "EndpointConfigName": self.config}


@dataclass(frozen=True)
class Latency:
    """Latencies of a fleet in one minute."""

    requests: int
    percentiles_ms: tuple[float, ...]
    """At ``RANKS``."""

    @property
    def typical_ms(self) -> float:
        """The middle of the percentiles."""
        middle = len(self.percentiles_ms) // 2
        ordered = sorted(self.percentiles_ms)
        return ordered[middle] if len(ordered) % 2 else math.fsum(ordered[middle - 1 : middle + 1]) / 2


@dataclass(frozen=True)
class Score:
    """What one captured request was answered."""

    minute: datetime
    request: str
    """Id of the captured event; of a request with many records one is taken."""
    value: float


@dataclass(frozen=True)
class FleetEvidence:
    """What one fleet did."""

    requests: Minutes = field(default_factory=dict)
    errors: Minutes = field(default_factory=dict)
    """Requests answered with a 5xx, or not at all."""
    latency: Mapping[datetime, Latency] = field(default_factory=dict)
    scores: tuple[Score, ...] = ()
    """In order of time; synthetic requests are left out."""
    losses: tuple[Score, ...] = ()
    """How wrong answers were whose truth has come, in order of time."""
    expected: tuple[float, ...] = ()
    """What the version scored on its hold-out: quantiles, evenly spaced."""
    metrics: Mapping[str, Minutes] = field(default_factory=dict)
    """By the name of the rule."""


@dataclass(frozen=True)
class Evidence:
    """Both fleets since ``since``; no judge needs to remember anything between two looks."""

    since: datetime
    new: FleetEvidence
    old: FleetEvidence | None
    """None when there is no old fleet."""
    before: Mapping[str, Minutes] = field(default_factory=dict)
    """Metrics in the hour before ``since``, by the name of the rule."""
    answers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """What the new and the old version answered to the same record, by the record's id."""
    side_by_side: bool = True
    """Whether both fleets are asked in the same minutes; otherwise the old one's hour before must do."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Why a source (metrics, capture, metric:<rule>) could not be read at this look."""
