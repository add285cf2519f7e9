"""Metrics inside log events: the CloudWatch Embedded Metric Format.

Source: "Specification: CloudWatch embedded metric format".
"""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NoReturn

_MOST_VALUES: Final = 100
_MOST_DIMENSIONS: Final = 30
_SCALES: Final = ("", "kilo", "mega", "giga", "tera")
_UNITS: Final = {"seconds", "microseconds", "milliseconds", "percent", "count", "count/second", "none"} | {
    f"{scale}{what}{rate}" for scale in _SCALES for what in ("bytes", "bits") for rate in ("", "/second")
}


@dataclass(frozen=True)
class Embedded:
    """Data of one namespace found in a log event; `milliseconds` is its own timestamp, on its writer's clock."""

    namespace: str
    milliseconds: float
    data: tuple[dict[str, Any], ...]


def extract(message: str) -> list[Embedded]:
    """What the message embeds: nothing when it is not a JSON object of the format."""
    if '"_aws"' not in message:
        return []
    try:
        document = json.loads(message, parse_constant=_refuse)
        metadata = document["_aws"]
        directives = metadata["CloudWatchMetrics"]
        milliseconds = float(metadata["Timestamp"])
        return [_embedded(document, directive, milliseconds) for directive in directives]
    except (ValueError, KeyError, TypeError):
        return []  # CloudWatch keeps such a line as a log event and extracts nothing


def _embedded(document: dict[str, Any], directive: dict[str, Any], milliseconds: float) -> Embedded:
    return Embedded(directive["Namespace"], milliseconds, tuple(_data(document, directive)))


def _data(document: dict[str, Any], directive: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for names in directive["Dimensions"]:
        dimensions = _dimensions(document, names)
        if dimensions is None:
            continue
        for metric in directive["Metrics"]:
            unit, values = metric.get("Unit", "None"), _values(document.get(metric["Name"]))
            if values and unit.lower() in _UNITS:
                yield {"MetricName": metric["Name"], "Dimensions": dimensions, "Unit": unit, "Values": values}


def _dimensions(document: dict[str, Any], names: list[str]) -> list[dict[str, str]] | None:
    """None when the document lacks one of them: the set is then not published."""
    if len(names) > _MOST_DIMENSIONS or any(not isinstance(document.get(name), str) for name in names):
        return None
    return [{"Name": name, "Value": document[name]} for name in names]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _values(found: Any) -> list[float]:
    items = found if isinstance(found, list) else [found]
    if len(items) > _MOST_VALUES or any(isinstance(item, bool) or not isinstance(item, int | float) for item in items):
        return []
    return [float(item) for item in items if math.isfinite(item)]
