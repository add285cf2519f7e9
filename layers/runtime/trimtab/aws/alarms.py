"""CloudWatch's alarms behind the Alarms port."""

from collections.abc import Iterable, Mapping
from typing import Any

from trimtab.aws.session import client
from trimtab.rollout.rollback_alarms import dimension_list
from trimtab.telemetry import NAMESPACE

_NAMES_PER_CALL = 100
"""How many alarms one call may name."""


class CloudWatchAlarms:
    """Alarms in CloudWatch."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    @classmethod
    def connect(cls) -> "CloudWatchAlarms":
        """With this process's client."""
        return cls(client("cloudwatch"))

    def put(self, request: Mapping[str, Any]) -> None:
        self._cloudwatch.put_metric_alarm(**request)

    def states(self, names: Iterable[str]) -> dict[str, str]:
        found = [alarm for names_ in portions(names) for alarm in self._described(AlarmNames=names_)]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}

    def named(self, prefix: str) -> list[str]:
        return [alarm["AlarmName"] for alarm in self._described(AlarmNamePrefix=prefix)]

    def _described(self, **query: Any) -> list[dict[str, Any]]:
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(**query)
        return [alarm for page in pages for alarm in page["MetricAlarms"]]

    def ring(self, name: str, reason: str) -> None:
        self._cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason=reason[:1023])

    def watching(self, metric: str, dimensions: Mapping[str, str]) -> dict[str, str]:
        wanted = dimension_list(dimensions)
        found = self._cloudwatch.describe_alarms_for_metric(Namespace=NAMESPACE, MetricName=metric, Dimensions=wanted)
        exact = [alarm for alarm in found["MetricAlarms"] if _same(alarm["Dimensions"], wanted)]
        return {alarm["AlarmName"]: alarm["StateValue"] for alarm in exact}

    def delete(self, names: Iterable[str]) -> None:
        for names_ in portions(names):
            self._cloudwatch.delete_alarms(AlarmNames=names_)


def portions(names: Iterable[str]) -> list[list[str]]:
    """Names in portions that one call may name; an empty call would mean all alarms, so there is none."""
    listed = sorted(set(names))
    return [listed[start : start + _NAMES_PER_CALL] for start in range(0, len(listed), _NAMES_PER_CALL)]


def _same(left: list[dict[str, str]], right: list[dict[str, str]]) -> bool:
    """CloudWatch's metrics are told apart by their dimensions, in any order."""
    return sorted(map(_pair, left)) == sorted(map(_pair, right))


def _pair(dimension: Mapping[str, str]) -> tuple[str, str]:
    return dimension["Name"], dimension["Value"]
