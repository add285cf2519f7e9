"""The section that says how people hear of alarms, and which alarms the endpoint itself has."""

from typing import Literal

from pydantic import Field

from trimtab.spec.base import Section

Anomaly = Literal["latency", "throughput", "errors"]


class AlarmsSpec(Section):
    """When somebody is told. Limits of what is measured stand with their measures, M of N is monitoring's own."""

    mute_minutes: int = Field(default=60, ge=0, le=1440)
    """For so long after the last look at a rollout, and after another version's baseline counts, alarms on measurements
    page nobody; what still rings then does. They are recorded, and heard by recovery, all the same."""
    max_error_share: float = Field(default=0.05, gt=0, lt=1)
    """Share of production's requests answered with a 5xx, in each of three periods of five minutes, that rings."""
    min_errors: int = Field(default=5, ge=1)
    """Fewer of them in five minutes never ring, however few requests there were."""
    saturation_percent: float = Field(default=85, gt=0, lt=100)
    """Of processors, memory or concurrency, over a quarter of an hour."""
    max_unreadable_share: float = Field(default=0.05, ge=0, lt=1)
    """Share of a window's captured requests that cannot be read, and five of them at least, that rings."""
    max_latency_ms: float | None = Field(default=5000, gt=0)
    """Of the model's own latency, at the 99th percentile of each of three periods of five minutes. null has no alarm,
    and neither has an asynchronous endpoint, whose requests may take their time."""
    min_requests_per_hour: int | None = Field(default=None, ge=1)
    """Fewer requests in each of two hours ring. When absent, only ``monitoring.silence_hours`` hears that none come."""
    truth_expected_days: int | None = Field(default=None, ge=1, le=730)
    """So many days after its end the truth of a window is due. A window of which no record has truth by then rings, or
    less than ``monitoring.quality.min_coverage``. When absent, nobody hears that truth stays away."""
    anomalies: tuple[Anomaly, ...] = ()
    """What CloudWatch's anomaly detection looks after. It learns for two weeks what is usual at an hour, so it is for
    endpoints with steady traffic, and each costs as much as three alarms."""
    band: float = Field(default=4.0, ge=1, le=20)
    """How many standard deviations are usual: the width of the band on either side."""
