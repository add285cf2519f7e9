"""What instances use of their machine, a reading a minute: memory, processors, concurrency of serverless ones.

The memory is that which the model server's processes really hold, of the memory that the instance type or the
serverless variant has. Processor time is that of the same processes, in per cent of one of this machine's processors
(so several may add up to more than 100), and of real time, however fast the virtual clock goes.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from localcloud.lambda_.memory import memory_of

if TYPE_CHECKING:
    from localcloud.sagemaker.endpoint import Endpoint
    from localcloud.sagemaker.fleet import Variant
    from localcloud.sagemaker.service import Region

NAMESPACE: Final = "/aws/sagemaker/Endpoints"
_OF_REQUESTS: Final = "AWS/SageMaker"
_PERIOD_SECONDS: Final = 60
_SHORTEST_SECONDS: Final = 0.2  # of real time, or the clock of the processors would be too coarse
_OF_LARGE_MB: Final = {"t": 8192, "m": 8192, "c": 4096, "r": 16_384, "g": 8192, "p": 32_768}
"""Memory of an instance of size large by its family's letter; sizes above double it."""
_MEDIUM: Final = {"medium": 0.5, "large": 1.0, "xlarge": 2.0}


class Utilization:
    """Readings of one region, sent when a minute of virtual time begins."""

    def __init__(self, region: "Region") -> None:
        self._region = region
        self._minute = -1
        self._processors = Processors()

    def flush(self) -> None:
        """Every instance of every endpoint has a reading for the minute that has just begun."""
        minute = int(self._region.cloud.clock.now() // _PERIOD_SECONDS)
        if minute == self._minute:
            return
        self._minute = minute
        endpoints = list(self._region.endpoints.values())
        found = {
            NAMESPACE: [datum for endpoint in endpoints for datum in self._data(endpoint, minute)],
            _OF_REQUESTS: [datum for endpoint in endpoints for datum in _concurrency(endpoint, minute)],
        }
        for namespace, data in found.items():
            if data:
                self._region.cloud.put_metrics(namespace, data, region=self._region.name)

    def _data(self, endpoint: "Endpoint", minute: int) -> Iterator[dict[str, Any]]:
        for fleet in endpoint.fleets():
            for variant in fleet.all_variants:
                used = {"MemoryUtilization": list(memory_percent(variant))}
                if "ServerlessConfig" not in variant.config:
                    used["CPUUtilization"] = list(self._processors.percent(variant))
                dimensions = {"EndpointName": endpoint.name, "VariantName": variant.name}
                for name, readings in used.items():
                    if readings:
                        yield datum(name, readings, dimensions, minute)


def _concurrency(endpoint: "Endpoint", minute: int) -> Iterator[dict[str, Any]]:
    """As it is at this moment, of serverless variants."""
    for fleet in endpoint.fleets():
        for variant in fleet.all_variants:
            if variant.serverless:
                dimensions = {"EndpointName": endpoint.name, "VariantName": variant.name}
                taken = fleet.taken(variant)
                made = datum("ServerlessConcurrentExecutionsUtilization", [taken], dimensions, minute)
                yield made | {"Unit": "None"}


def datum(name: str, readings: list[float], dimensions: dict[str, str], minute: int) -> dict[str, Any]:
    """The readings of a minute as PutMetricData takes them."""
    return {
        "MetricName": name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
        "Timestamp": float(minute * _PERIOD_SECONDS),
        "Unit": "Percent",
        "Values": readings,
        "Counts": [1.0] * len(readings),
    }


class Processors:
    """Processor time of instances since the last reading."""

    def __init__(self) -> None:
        self._before: dict[int, tuple[float, float]] = {}

    def percent(self, variant: "Variant") -> Iterator[float]:
        """Of each process of the variant, how busy it and its children were; none at its first reading."""
        for process_id in variant.process_ids():
            now, used = time.monotonic(), sum(map(processor_seconds, family(process_id)))
            since, before = self._before.get(process_id, (now, used))
            if now - since < _SHORTEST_SECONDS and process_id in self._before:
                continue
            self._before[process_id] = (now, used)
            if now > since:
                yield round(100 * max(0.0, used - before) / (now - since), 3)


def processor_seconds(process_id: int) -> float:
    """What a process has used of processors in its life; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    user, system = fields[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def memory_percent(variant: "Variant") -> Iterator[float]:
    """Of each process of the variant, how much of an instance's memory it and its children hold."""
    whole_mb = memory_mb(variant.config)
    for process_id in variant.process_ids():
        held_mb = sum(memory.resident_mb for each in family(process_id) if (memory := memory_of(each)))
        if held_mb:
            yield round(100 * held_mb / whole_mb, 3)


def family(process_id: int) -> Iterator[int]:
    """The process and its descendants."""
    yield process_id
    try:
        found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in found:
        yield from family(int(child))


def memory_mb(variant: dict[str, Any]) -> float:
    """Memory of what the variant runs on. An instance's is told by its type's family and size."""
    if "ServerlessConfig" in variant:
        return float(variant["ServerlessConfig"]["MemorySizeInMB"])
    _, family_name, size = str(variant["InstanceType"]).split(".")
    times = _MEDIUM.get(size) or 2.0 * float(size.removesuffix("xlarge") or 1)
    return _OF_LARGE_MB.get(family_name[0], 8192) * times
