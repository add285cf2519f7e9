"""MetricDefinitions: numbers found in the lines that a training program writes."""

import re
from collections.abc import Iterator
from typing import Any

from localcloud.sagemaker.errors import ValidationError


class MetricReader:
    """The definitions of one job, compiled. Raises ValidationError for a regular expression that is none."""

    def __init__(self, definitions: list[dict[str, str]]) -> None:
        try:
            self._patterns = [(each["Name"], re.compile(each["Regex"])) for each in definitions]
        except re.error as error:
            raise ValidationError(f"Invalid metric definition: {error}") from error

    def read(self, line: str) -> Iterator[tuple[str, float]]:
        """(name, value) of each definition whose first group is a number in this line."""
        for name, pattern in self._patterns:
            match = pattern.search(line)
            if match is None or not match.groups():
                continue
            try:
                yield name, float(match[1])
            except (TypeError, ValueError):
                continue


def final_metrics(known: list[dict[str, Any]], name: str, value: float, time: Any) -> list[dict[str, Any]]:
    """FinalMetricDataList after another reading: the last value of each metric."""
    others = [each for each in known if each["MetricName"] != name]
    return [*others, {"MetricName": name, "Value": value, "Timestamp": time}]
