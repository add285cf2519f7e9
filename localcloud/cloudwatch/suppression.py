"""When a composite alarm keeps its actions to itself: its suppressor rings, may be about to, or rang a moment ago.

Source: "Suppressing composite alarm actions" of the CloudWatch guide, and the descriptions of CompositeAlarm's fields.
Unproven: what AWS does when an alarm is back in the state that was last told before its actions are let go. Here
nothing happens then.
"""

from dataclasses import dataclass
from typing import Any, Final

ALARM: Final = "ALARM"
WAIT, BY_ALARM, EXTENSION = "WaitPeriod", "Alarm", "ExtensionPeriod"
_LONGEST_REASON: Final = 1024


@dataclass(frozen=True)
class Suppressor:
    """Which alarm suppresses, and for how many seconds actions wait for it and after it."""

    name: str
    wait: int
    extension: int


@dataclass(frozen=True)
class Suppression:
    """Why actions are held back; `until` is when a period ends, `told` the state for which actions were last taken."""

    by: str | None = None
    until: float = 0.0
    told: str = ""

    def described(self) -> dict[str, Any]:
        """As DescribeAlarms and the events show it; nothing while actions are taken."""
        if self.by is None:
            return {}
        reason = f"Actions suppressed by {self.by}"[:_LONGEST_REASON]
        return {"ActionsSuppressedBy": self.by, "ActionsSuppressedReason": reason}


NOT_SUPPRESSED: Final = Suppression()


def suppressor_of(settings: dict[str, Any]) -> Suppressor | None:
    """The suppressor that settings name. Raises KeyError when they lack one of its periods."""
    named = settings.get("ActionsSuppressor")
    if not named:
        return None
    wait, extension = settings["ActionsSuppressorWaitPeriod"], settings["ActionsSuppressorExtensionPeriod"]
    return Suppressor(str(named).split(":alarm:")[-1], int(wait), int(extension))


def when_changed(before: Suppression, suppressor: Suppressor, rings: bool, state: str, now: float) -> Suppression:
    """What holds actions back once the composite alarm has changed to `state`; by None: nothing does."""
    if rings:
        return Suppression(BY_ALARM, told=before.told)
    if before.by is not None:
        return before
    if state == ALARM and suppressor.wait:
        return Suppression(WAIT, now + suppressor.wait, before.told)
    return Suppression(told=state)


def when_time_passes(before: Suppression, suppressor: Suppressor, rings: bool, state: str, now: float) -> Suppression:
    """What holds actions back now, after `before` did; by None: they are due unless `before.told` is the state."""
    if rings:
        return Suppression(BY_ALARM, told=before.told)
    if before.by == BY_ALARM and suppressor.extension:
        return Suppression(EXTENSION, now + suppressor.extension, before.told)
    if before.by == BY_ALARM or now >= before.until:
        return Suppression(told=state)
    return before
