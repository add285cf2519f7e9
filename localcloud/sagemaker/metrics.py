"""AWS/SageMaker metrics of invocations, gathered and sent a few times a second."""

import threading
from collections import Counter
from dataclasses import dataclass

from localcloud.cloud import Cloud

NAMESPACE = "AWS/SageMaker"
FLUSH_SECONDS = 0.25
_PERIOD_SECONDS = 60
_VALUES_PER_DATUM = 150
_MICROSECONDS = "Microseconds"
Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Outcome:
    """What one invocation came to. Latencies in microseconds; `status` 0 when the model gave no HTTP answer."""

    endpoint: str
    config: str
    variant: str
    status: int
    model_latency: int
    overhead_latency: int


def dimension_sets(outcome: Outcome) -> tuple[Dimensions, ...]:
    """The sets under which each metric is published: by variant, and (for rollback alarms on one fleet) by config."""
    config = ("EndpointConfigName", outcome.config)
    variant = (("EndpointName", outcome.endpoint), ("VariantName", outcome.variant))
    return variant, (config,), (config, *variant)


def samples(outcome: Outcome) -> tuple[tuple[str, int, str], ...]:
    """(name, value, unit) of every metric of one invocation."""
    return (
        ("Invocations", 1, "None"),
        ("Invocation4XXErrors", int(400 <= outcome.status < 500), "None"),
        ("Invocation5XXErrors", int(outcome.status >= 500 or outcome.status == 0), "None"),
        ("InvocationModelErrors", int(not 200 <= outcome.status < 300), "None"),
        ("ModelLatency", outcome.model_latency, _MICROSECONDS),
        ("OverheadLatency", outcome.overhead_latency, _MICROSECONDS),
    )


class InvocationMetrics:
    """Values of one region by minute, metric and dimensions, until the next flush."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud = cloud
        self._region = region
        self._lock = threading.Lock()
        self._pending: dict[tuple[int, str, str, Dimensions], Counter[int]] = {}

    def add(self, outcome: Outcome) -> None:
        """The outcome will be in CloudWatch after the next flush, under the minute (virtual time) of this call."""
        minute = int(self._cloud.clock.now() // _PERIOD_SECONDS) * _PERIOD_SECONDS
        values, sets = samples(outcome), dimension_sets(outcome)
        with self._lock:
            for dimensions in sets:
                for name, value, unit in values:
                    self._pending.setdefault((minute, name, unit, dimensions), Counter())[value] += 1

    def flush(self) -> None:
        """Everything added before the call is in CloudWatch."""
        with self._lock:
            pending, self._pending = self._pending, {}
        data = [datum for key, counts in pending.items() for datum in _data(key, counts)]
        if data:
            self._cloud.put_metrics(NAMESPACE, data, region=self._region)


def _data(key: tuple[int, str, str, Dimensions], counts: Counter[int]) -> list[dict[str, object]]:
    minute, name, unit, dimensions = key
    pairs = list(counts.items())
    return [
        {
            "MetricName": name,
            "Dimensions": [{"Name": dimension, "Value": value} for dimension, value in dimensions],
            "Timestamp": float(minute),
            "Unit": unit,
            "Values": [float(value) for value, _ in pairs[start : start + _VALUES_PER_DATUM]],
            "Counts": [float(count) for _, count in pairs[start : start + _VALUES_PER_DATUM]],
        }
        for start in range(0, len(pairs), _VALUES_PER_DATUM)
    ]
