"""Logs and metrics of invocations, delivered by one thread in batches, so that no caller waits for them."""

import queue
import sys
import threading
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from localcloud.cloud import Cloud
from localcloud.lambda_.log_reader import LogEvent
from localcloud.lambda_.specification import FunctionSpec

NAMESPACE = "AWS/Lambda"
_COLLECT_SECONDS = 0.1
_MOST_DATA_IN_A_CALL = 1000  # of PutMetricData
_Values = list[tuple[str, float, str]]  # name, value, unit


@dataclass(frozen=True)
class LogReport:
    """Events for a log stream."""

    region: str
    group: str
    stream: str
    events: list[LogEvent]


@dataclass(frozen=True)
class MetricReport:
    """Data for the namespace AWS/Lambda."""

    region: str
    data: list[dict[str, Any]]


Report = LogReport | MetricReport


@dataclass
class Batch:
    """Reports together: one call for each log stream, and one for the metrics of each region."""

    logs: dict[tuple[str, str, str], list[LogEvent]] = field(default_factory=lambda: defaultdict(list))
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, report: Report) -> None:
        """The report is part of the batch, after those before it."""
        if isinstance(report, LogReport):
            self.logs[report.region, report.group, report.stream] += report.events
        else:
            self.metrics[report.region] += report.data


class Reporter:
    """Hands logs to CloudWatch Logs and metrics to CloudWatch, at most a tenth of a second later."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        threading.Thread(target=self._deliver_for_ever, name="lambda-reports", daemon=True).start()

    def logs(self, spec: FunctionSpec, stream: str, events: list[LogEvent]) -> None:
        """The events will be in the function's log group."""
        self._reports.put(LogReport(spec.region, spec.log.group, stream, events))

    def metrics(self, region: str, function: str, resource: str, values: _Values) -> None:
        """The values will be counted for the function, for the resource that was invoked and for the account."""
        timestamp = self._cloud.clock.to_virtual(time.time())
        dimensions = _dimension_sets(function, resource)
        self._reports.put(
            MetricReport(region, [_datum(value, one, timestamp) for value in values for one in dimensions])
        )

    def _deliver_for_ever(self) -> None:
        while True:
            batch = Batch()
            batch.add(self._reports.get())
            self._cloud.stopping.wait(_COLLECT_SECONDS)
            while not self._reports.empty():
                batch.add(self._reports.get())
            for deliver in self._deliveries(batch):
                try:
                    deliver()
                except Exception:  # what cannot be delivered must not end the reporting of what follows
                    if not self._cloud.stopping.is_set():
                        print("Logs or metrics of a Lambda function could not be delivered:", file=sys.stderr)
                        traceback.print_exc()

    def _deliveries(self, batch: Batch) -> Iterator[Callable[[], None]]:
        for region, data in batch.metrics.items():
            for start in range(0, len(data), _MOST_DATA_IN_A_CALL):
                part = data[start : start + _MOST_DATA_IN_A_CALL]
                yield partial(self._cloud.put_metrics, NAMESPACE, part, region=region)
        for (region, group, stream), events in batch.logs.items():
            yield partial(self._cloud.write_logs, group, stream, events, region=region)


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
