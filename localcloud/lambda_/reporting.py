"""Logs and metrics of invocations, delivered in order by one thread, so that no caller waits for them."""

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any

from localcloud.cloud import Cloud
from localcloud.lambda_.log_reader import LogEvent
from localcloud.lambda_.specification import FunctionSpec

NAMESPACE = "AWS/Lambda"
_Values = list[tuple[str, float, str]]  # name, value, unit


class Reporter:
    """Hands logs to CloudWatch Logs and metrics to CloudWatch."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._deliver, name="lambda-reports", daemon=True).start()

    def logs(self, spec: FunctionSpec, stream: str, events: list[LogEvent]) -> None:
        """The events will be in the function's log group."""
        self._work.put(lambda: self._cloud.write_logs(spec.log.group, stream, events, region=spec.region))

    def metrics(self, region: str, function: str, resource: str, values: _Values) -> None:
        """The values will be counted for the function, for the resource that was invoked and for the account."""
        timestamp = self._cloud.clock.to_virtual(time.time())
        dimensions = _dimension_sets(function, resource)
        data = [_datum(value, one, timestamp) for value in values for one in dimensions]
        self._work.put(lambda: self._cloud.put_metrics(NAMESPACE, data, region=region))

    def _deliver(self) -> None:
        while True:
            deliver = self._work.get()
            try:
                deliver()
            except Exception:  # one report that cannot be delivered must not end the reporting of the others
                if not self._cloud.stopping.is_set():
                    print("A log or metric of a Lambda function could not be delivered:", file=sys.stderr)
                    traceback.print_exc()


def _dimension_sets(function: str, resource: str) -> list[list[dict[str, str]]]:
    name = {"Name": "FunctionName", "Value": function}
    return [[], [name], [name, {"Name": "Resource", "Value": resource}]]


def _datum(value: tuple[str, float, str], dimensions: list[dict[str, str]], timestamp: float) -> dict[str, Any]:
    name, number, unit = value
    return {
        "MetricName": name,
        "Value": float(number),
        "Unit": unit,
        "Timestamp": timestamp,
        "Dimensions": dimensions,
    }
