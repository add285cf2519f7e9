"""What instances use of their machine, a reading a minute under /aws/sagemaker/Endpoints: memory only.

The memory is that which the model server's processes really hold, of the memory that the instance type or the
serverless variant has.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from localcloud.lambda_.memory import memory_of

if TYPE_CHECKING:
    from localcloud.sagemaker.endpoint import Endpoint
    from localcloud.sagemaker.fleet import Variant
    from localcloud.sagemaker.service import Region

NAMESPACE: Final = "/aws/sagemaker/Endpoints"
_PERIOD_SECONDS: Final = 60
_OF_LARGE_MB: Final = {"t": 8192, "m": 8192, "c": 4096, "r": 16_384, "g": 8192, "p": 32_768}
"""Memory of an instance of size large by its family's letter; sizes above double it."""
_MEDIUM: Final = {"medium": 0.5, "large": 1.0, "xlarge": 2.0}


class Utilization:
    """Readings of one region, sent when a minute of virtual time begins."""

    def __init__(self, region: "Region") -> None:
        self._region = region
        self._minute = -1

    def flush(self) -> None:
        """Every instance of every endpoint has a reading for the minute that has just begun."""
        minute = int(self._region.cloud.clock.now() // _PERIOD_SECONDS)
        if minute == self._minute:
            return
        self._minute = minute
        data = [datum for endpoint in list(self._region.endpoints.values()) for datum in _data(endpoint, minute)]
        if data:
            self._region.cloud.put_metrics(NAMESPACE, data, region=self._region.name)


def _data(endpoint: "Endpoint", minute: int) -> Iterator[dict[str, Any]]:
    for fleet in endpoint.fleets():
        for variant in fleet.all_variants:
            readings = list(memory_percent(variant))
            if readings:
                dimensions = {"EndpointName": endpoint.name, "VariantName": variant.name}
                yield {
                    "MetricName": "MemoryUtilization",
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                    "Timestamp": float(minute * _PERIOD_SECONDS),
                    "Unit": "Percent",
                    "Values": readings,
                    "Counts": [1.0] * len(readings),
                }


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
