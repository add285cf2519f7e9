"""CloudWatch behind the AlarmReader port.

Composite alarms are returned only to a permission on everything (``*``), as the API reference says of both calls.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from json import loads
from typing import Any

from trimtab.aws.alarms import portions
from trimtab.aws.session import client
from trimtab.monitoring.alarms import AlarmSeen, Turn

_METRIC = ["MetricAlarm"]
_TYPES = [*_METRIC, "CompositeAlarm"]


class CloudWatchAlarmReader:
    """Alarms of either type."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch

    @classmethod
    def connect(cls) -> "CloudWatchAlarmReader":
        """With this process's client."""
        return cls(client("cloudwatch"))

    def described(self, names: Iterable[str]) -> list[AlarmSeen]:
        return [seen for portion in portions(names) for seen in self._found(_METRIC, AlarmNames=portion)]

    def under(self, prefix: str) -> list[AlarmSeen]:
        return list(self._found(_TYPES, AlarmNamePrefix=prefix))

    def _found(self, types: list[str], **query: Any) -> Iterator[AlarmSeen]:
        for page in self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=types, **query):
            yield from map(_seen, [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())])

    def turns(self, name: str, since: datetime) -> list[Turn]:
        asked = {"AlarmName": name, "AlarmTypes": _TYPES, "HistoryItemType": "StateUpdate", "StartDate": since}
        asked |= {"EndDate": datetime(9999, 1, 1, tzinfo=UTC), "ScanBy": "TimestampAscending"}
        pages = self._cloudwatch.get_paginator("describe_alarm_history").paginate(**asked)
        return [_turn(item) for page in pages for item in page["AlarmHistoryItems"]]


def _seen(alarm: Mapping[str, Any]) -> AlarmSeen:
    return AlarmSeen(
        alarm["AlarmName"],
        alarm["StateValue"],
        alarm.get("AlarmDescription") or "",
        alarm.get("StateReason") or "",
        alarm.get("StateTransitionedTimestamp") or alarm["StateUpdatedTimestamp"],
        alarm.get("Threshold"),
        alarm.get("MetricName") or "",
    )


def _turn(item: Mapping[str, Any]) -> Turn:
    data = loads(item.get("HistoryData") or "{}")
    old, new = data.get("oldState") or {}, data.get("newState") or {}
    return Turn(
        item["Timestamp"],
        item["AlarmName"],
        old.get("stateValue", ""),
        new.get("stateValue", ""),
        new.get("stateReason", ""),
    )
