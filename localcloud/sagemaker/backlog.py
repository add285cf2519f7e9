"""What waits at asynchronous endpoints, a reading a minute: the metrics that their autoscaling follows.

Source: SageMaker developer guide, "Alarms and logs for tracking metrics from asynchronous endpoints". Of the metrics
there, those of single requests (time in the backlog, processing time, failures, expired ones) are not published.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from localcloud.sagemaker.endpoint import Endpoint
    from localcloud.sagemaker.service import Region

NAMESPACE: Final = "AWS/SageMaker"
_PERIOD_SECONDS: Final = 60


class Backlog:
    """Readings of one region, sent when a minute of virtual time begins."""

    def __init__(self, region: "Region") -> None:
        self._region = region
        self._minute = -1

    def flush(self) -> None:
        """Every asynchronous endpoint has a reading for the minute that has just begun."""
        minute = int(self._region.cloud.clock.now() // _PERIOD_SECONDS)
        if minute == self._minute:
            return
        self._minute = minute
        endpoints = [each for each in list(self._region.endpoints.values()) if each.requests.config is not None]
        data = [datum for endpoint in endpoints for datum in _data(endpoint, minute)]
        if data:
            self._region.cloud.put_metrics(NAMESPACE, data, region=self._region.name)


def readings(waiting: int, instances: int) -> dict[str, float]:
    """The metrics by name, of so many requests that wait or are worked on; per instance only where there is one."""
    found = {
        "ApproximateBacklogSize": float(waiting),
        "HasBacklogWithoutCapacity": float(waiting > 0 and instances == 0),
    }
    return found | ({"ApproximateBacklogSizePerInstance": waiting / instances} if instances else {})


def _data(endpoint: "Endpoint", minute: int) -> Iterator[dict[str, Any]]:
    current = endpoint.current
    instances = sum(variant.desired_count for variant in current.variants.values()) if current else 0
    for name, value in readings(len(endpoint.requests.kept()), instances).items():
        yield {
            "MetricName": name,
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint.name}],
            "Timestamp": float(minute * _PERIOD_SECONDS),
            "Unit": "None",
            "Value": value,
        }
