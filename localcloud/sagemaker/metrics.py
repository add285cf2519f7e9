"""AWS/SageMaker metrics of invocations, gathered and sent a few times a second."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from localcloud.cloud import Cloud

NAMESPACE = "AWS/SageMaker"
FLUSH_SECONDS = 0.25
_PERIOD_SECONDS = 60
_VALUES_PER_DATUM = 150
_MICROSECONDS = "Microseconds"


class Target(NamedTuple):
    """Which variant of which configuration was asked."""

    endpoint: str
    config: str
    variant: str
    asynchronous: bool = False


class Outcome(NamedTuple):
    """What one invocation came to. Latencies in microseconds; `status` 0 when the model gave no HTTP answer."""

    status: int
    model_latency: int
    overhead_latency: int


def dimension_sets(target: Target) -> tuple[dict[str, str], ...]:
    """The sets under which each metric is published: by variant, and (for rollback alarms on one fleet) by config."""
    config = {"EndpointConfigName": target.config}
    variant = {"EndpointName": target.endpoint, "VariantName": target.variant}
    return variant, config, config | variant


def samples(outcomes: list[Outcome], *, asynchronous: bool = False) -> Iterator[tuple[str, str, Counter[int]]]:
    """(name, unit, how often each value) of every metric of invocations.

    Asynchronous endpoints have some of them only (developer guide, "Alarms and logs for tracking metrics from
    asynchronous endpoints"): neither Invocations nor OverheadLatency.
    """
    statuses = [outcome.status for outcome in outcomes]
    yield "Invocation4XXErrors", "None", Counter(int(400 <= status < 500) for status in statuses)
    yield "Invocation5XXErrors", "None", Counter(int(status >= 500 or status == 0) for status in statuses)
    yield "ModelLatency", _MICROSECONDS, Counter(outcome.model_latency for outcome in outcomes)
    if asynchronous:
        return
    yield "Invocations", "None", Counter({1: len(outcomes)})
    yield "InvocationModelErrors", "None", Counter(int(not 200 <= status < 300) for status in statuses)
    yield "OverheadLatency", _MICROSECONDS, Counter(outcome.overhead_latency for outcome in outcomes)


class InvocationMetrics:
    """Outcomes of one region by minute and target, until the next flush."""

    def __init__(self, cloud: Cloud, region: str) -> None:
        self._cloud = cloud
        self._region = region
        self._lock = threading.Lock()
        self._pending: defaultdict[tuple[int, Target], list[Outcome]] = defaultdict(list)

    def add(self, target: Target, outcome: Outcome) -> None:
        """The outcome will be in CloudWatch after the next flush, under the minute (virtual time) of this call."""
        minute = int(self._cloud.clock.now() // _PERIOD_SECONDS) * _PERIOD_SECONDS
        with self._lock:
            self._pending[minute, target].append(outcome)

    def flush(self) -> None:
        """Everything added before the call is in CloudWatch."""
        with self._lock:
            pending, self._pending = self._pending, defaultdict(list)
        data = [datum for (minute, target), outcomes in pending.items() for datum in _data(minute, target, outcomes)]
        if data:
            self._cloud.put_metrics(NAMESPACE, data, region=self._region)


def _data(minute: int, target: Target, outcomes: list[Outcome]) -> Iterator[dict[str, Any]]:
    sets = [[{"Name": name, "Value": value} for name, value in each.items()] for each in dimension_sets(target)]
    for name, unit, counts in samples(outcomes, asynchronous=target.asynchronous):
        pairs = list(counts.items())
        for start in range(0, len(pairs), _VALUES_PER_DATUM):
            values = {
                "Values": [float(value) for value, _ in pairs[start : start + _VALUES_PER_DATUM]],
                "Counts": [float(count) for _, count in pairs[start : start + _VALUES_PER_DATUM]],
            }
            for dimensions in sets:
                yield {
                    "MetricName": name,
                    "Dimensions": dimensions,
                    "Timestamp": float(minute),
                    "Unit": unit,
                    **values,
                }
