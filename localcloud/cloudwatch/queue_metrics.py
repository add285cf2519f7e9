"""The metrics of SQS queues that alarms watch: how many messages wait, and how many are in work."""

import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any, Final

from localcloud.cloud import Cloud

_EVERY_VIRTUAL_SECONDS: Final = 60.0
_LOOK_REAL_SECONDS: Final = 0.5


class QueueMetrics:
    """Measures every queue once a virtual minute."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def start(self) -> None:
        """The measuring goes on until the cloud stops."""
        threading.Thread(target=self._run, name="cloudwatch-queues", daemon=True).start()

    def _run(self) -> None:
        last = 0.0
        while not self._cloud.stopping.is_set():
            now = self._cloud.clock.now()
            if now - last >= _EVERY_VIRTUAL_SECONDS:
                last = now
                try:
                    self._measure()
                except Exception:  # the next minute may do better
                    traceback.print_exc()
            time.sleep(_LOOK_REAL_SECONDS)

    def _measure(self) -> None:
        for region, queue in _queues():
            dimensions = [{"Name": "QueueName", "Value": queue.name}]
            measured = {
                "ApproximateNumberOfMessagesVisible": queue.approximate_number_of_messages,
                "ApproximateNumberOfMessagesNotVisible": queue.approximate_number_of_messages_not_visible,
                "ApproximateNumberOfMessagesDelayed": queue.approximate_number_of_messages_delayed,
            }
            data: list[dict[str, Any]] = [
                {"MetricName": name, "Dimensions": dimensions, "Value": float(value), "Unit": "Count"}
                for name, value in measured.items()
            ]
            self._cloud.put_metrics("AWS/SQS", data, region=region)


def _queues() -> Iterator[tuple[str, Any]]:
    from moto.sqs.models import sqs_backends

    for regions in list(sqs_backends.values()):
        for region, backend in list(regions.items()):
            for queue in list(backend.queues.values()):
                yield region, queue
