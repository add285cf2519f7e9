"""Logs and metrics of invocations, delivered by one thread in batches, so that no caller waits for them."""

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


@dataclass
class Batch:
    """Reports together: one call for each log stream, and one for the metrics of each region."""

    logs: dict[tuple[str, str, str, str], list[LogEvent]] = field(default_factory=lambda: defaultdict(list))
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))


class Reporter:
    """Hands logs to CloudWatch Logs and metrics to CloudWatch, at most a tenth of a second later."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._batch = Batch()
        self._lock = threading.Lock()
        self._filled = threading.Event()
        threading.Thread(target=self._deliver_for_ever, name="lambda-reports", daemon=True).start()

    def logs(self, spec: FunctionSpec, stream: str, events: list[LogEvent]) -> None:
        """The events will be in the function's log group, when its role may write them there."""
        with self._lock:
            self._batch.logs[spec.region, spec.log.group, stream, spec.role] += events
        self._filled.set()

    def metrics(self, region: str, function: str, resource: str, values: _Values, executed: str | None = None) -> None:
        """The values will be counted for the function, for what was invoked, for the version that was executed by way
        of an alias, and for the account."""
        timestamp = self._cloud.clock.to_virtual(time.time())
        dimensions = dimension_sets(function, resource, executed)
        with self._lock:
            self._batch.metrics[region] += [_datum(value, one, timestamp) for value in values for one in dimensions]
        self._filled.set()

    def _deliver_for_ever(self) -> None:
        while True:
            self._filled.wait()
            self._cloud.stopping.wait(_COLLECT_SECONDS)
            with self._lock:
                batch, self._batch = self._batch, Batch()
                self._filled.clear()
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
        for (region, group, stream, role), events in batch.logs.items():
            if self._may_write(region, group, stream, role):
                yield partial(self._cloud.write_logs, group, stream, events, region=region)

    def _may_write(self, region: str, group: str, stream: str, role: str) -> bool:
        """Without the permission a function runs as ever, but logs nothing."""
        arn = f"arn:aws:logs:{region}:{self._cloud.account}:log-group:{group}:log-stream:{stream}"
        return all(self._cloud.permits(role, action, arn) for action in ("logs:CreateLogStream", "logs:PutLogEvents"))


def dimension_sets(function: str, resource: str, executed: str | None) -> list[list[dict[str, str]]]:
    """The dimensions under which Lambda counts an invocation."""
    name, invoked = {"Name": "FunctionName", "Value": function}, {"Name": "Resource", "Value": resource}
    sets = [[], [name], [name, invoked]]
    if executed and resource not in (function, f"{function}:{executed}"):
        sets.append([name, invoked, {"Name": "ExecutedVersion", "Value": executed}])
    return sets


def _datum(value: tuple[str, float, str], dimensions: list[dict[str, str]], timestamp: float) -> dict[str, Any]:
    name, number, unit = value
    return {
        "MetricName": name,
        "Value": float(number),
        "Unit": unit,
        "Timestamp": timestamp,
        "Dimensions": dimensions,
    }
