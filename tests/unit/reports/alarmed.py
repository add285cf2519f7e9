"""CloudWatch as the reader of alarms asks it: alarms of both types, and how they have turned."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import NOON

STACK = "trimtab-dev-model-tiny"
DRIFT, QUIET = (f"{STACK}-Alarms{name}-xYz12" for name in ("Drift6D0A3A4B", "Silence89ABCDEF"))
PAGE = f"{STACK.replace('-', '')}AlarmsPage0123ABCD"
BEGAN, ENDED = NOON + timedelta(hours=1), NOON + timedelta(hours=4)
REASON = "Threshold Crossed: 1 out of the last 1 datapoints [0.41 (01/01/26 12:00:00)] was greater than the threshold"


def alarm(name: str, state: str, since: datetime, **more: Any) -> dict[str, Any]:
    """As DescribeAlarms has it."""
    return {"AlarmName": name, "StateValue": state, "StateReason": REASON, "StateUpdatedTimestamp": since} | more


def turn(name: str, at: datetime, before: str, after: str) -> dict[str, Any]:
    """As DescribeAlarmHistory has it."""
    data = {
        "version": "1.0",
        "oldState": {"stateValue": before},
        "newState": {"stateValue": after, "stateReason": REASON},
    }
    return {"AlarmName": name, "Timestamp": at, "HistoryItemType": "StateUpdate", "HistoryData": json.dumps(data)}


@dataclass
class CloudWatch:
    """Two alarms of the tiny model that rang, and one that never did."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    def get_paginator(self, operation: str) -> "CloudWatch":
        self._operation = operation
        return self

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(query)
        if self._operation == "describe_alarms":
            metric = [alarm(DRIFT, "OK", ENDED, MetricName="PsiMax", Threshold=0.25, AlarmDescription="tiny: drifted")]
            metric.append(alarm(QUIET, "OK", NOON - timedelta(days=300)))
            yield {"MetricAlarms": [each for each in metric if _is_asked(each, query)], "CompositeAlarms": []}
            composite = alarm(PAGE, "ALARM", BEGAN, StateTransitionedTimestamp=BEGAN)
            yield {"MetricAlarms": [], "CompositeAlarms": [each for each in [composite] if _is_asked(each, query)]}
        else:
            found = [
                turn(DRIFT, BEGAN, "OK", "ALARM"),
                turn(DRIFT, ENDED, "ALARM", "OK"),
                turn(PAGE, BEGAN, "OK", "ALARM"),
            ]
            for item in found:
                yield {"AlarmHistoryItems": [item] if item["AlarmName"] == query["AlarmName"] else []}


def _is_asked(found: dict[str, Any], query: dict[str, Any]) -> bool:
    prefix, names = query.get("AlarmNamePrefix", ""), query.get("AlarmNames")
    return found["AlarmName"].startswith(prefix) and (names is None or found["AlarmName"] in names)
