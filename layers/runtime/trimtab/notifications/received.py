"""What a topic delivers to a function: Trimtab's own notices, CloudWatch's alarms, and what is not for people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trimtab.contracts import Notice
from trimtab.monitoring.alarms import children, read_description
from trimtab.notifications.notification import Links, Notification

NOTICE: Final = "notice"
"""Attribute of a message that holds a notice as it was sent."""
_HELD_BACK: Final = "The reason may quote data and stays here: see the e-mail, the report or trimtab history {model}."


@dataclass(frozen=True)
class AlarmMessage:
    """A change of an alarm's state, as CloudWatch tells it."""

    name: str
    arn: str
    state: str
    reason: str
    at: datetime
    description: str
    metric: str = ""
    limit: float | None = None
    rule: str = ""

    @property
    def model(self) -> str:
        return read_description(self.description).model

    @property
    def region(self) -> str:
        return self.arn.split(":")[3] if self.arn.count(":") > 3 else ""

    @property
    def children(self) -> list[str]:
        return children(self.rule)


def read_alarm(text: str) -> AlarmMessage | None:
    """The alarm that a message tells of; None for every other message."""
    try:
        given = json.loads(text)
        return _alarm(given) if isinstance(given, dict) and "NewStateValue" in given else None
    except (ValueError, KeyError):
        return None


def _alarm(given: Mapping[str, Any]) -> AlarmMessage:
    trigger = given.get("Trigger") or {}
    return AlarmMessage(
        given["AlarmName"],
        given.get("AlarmArn") or "",
        given["NewStateValue"],
        given.get("NewStateReason") or "",
        datetime.fromisoformat(given["StateChangeTime"]),
        given.get("AlarmDescription") or "",
        trigger.get("MetricName") or "",
        trigger.get("Threshold"),
        given.get("AlarmRule") or "",
    )


def of_notice(notice: Notice) -> Notification:
    """As it leaves the account: a reason that may quote values of data stays behind."""
    why = _HELD_BACK.format(model=notice.model) if notice.quotes_data else notice.why
    return Notification(
        subject=notice.subject,
        what=notice.what,
        why=why,
        to_do=notice.next_step,
        model=notice.model,
        links=Links(page=notice.link or ""),
    )
