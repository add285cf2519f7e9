"""The model's alarms as CloudWatch has them: which ring, and how often each went off."""

import re
from collections import Counter
from collections.abc import Mapping

from demo.scene import Scene

_NAMED = re.compile(r"Alarms([A-Za-z]+?)[0-9A-F]{8}(-|$)")
_WHOLE = re.compile(r"[\w-]*Alarms[A-Za-z]+?[0-9A-F]{8}(-\w+)?")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
MUTING = "settling"
"""Rings while a rollout runs; nobody is told of it."""


def kind_of(name: str) -> str:
    """What an alarm is about: the construct's id as words, or the whole name of an alarm that is of no model."""
    found = _NAMED.search(name)
    return _CAPITAL.sub(" ", found[1]).lower() if found else name


def plain(text: str) -> str:
    """A sentence with the kinds of alarms in place of their names."""
    return _WHOLE.sub(lambda found: kind_of(found[0]), text)


def ringing(scene: Scene) -> frozenset[str]:
    """Kinds of the alarms that ring now, without the pages above them."""
    pages = scene.client("cloudwatch").get_paginator("describe_alarms").paginate(StateValue="ALARM")
    return frozenset(kind_of(each["AlarmName"]) for page in pages for each in page["MetricAlarms"]) - {MUTING}


def went_off(scene: Scene) -> Mapping[str, int]:
    """How often each kind of alarm has gone to ALARM, pages included."""
    pages = scene.client("cloudwatch").get_paginator("describe_alarm_history")
    history = pages.paginate(HistoryItemType="StateUpdate", AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    changes = (item for page in history for item in page["AlarmHistoryItems"])
    rings = (item["AlarmName"] for item in changes if item["HistorySummary"].endswith("to ALARM"))
    return Counter(kind for kind in map(kind_of, rings) if kind != MUTING)
