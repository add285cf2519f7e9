"""Alarms as a person reads them: what one says, its reading and its limit, and how its state has turned."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from trimtab.names import alarm_id, alarms_of
from trimtab.telemetry import WATCHES

_DESCRIPTION: Final = re.compile(
    r"(?:(?P<model>[a-z][a-z0-9-]*): )?(?P<what>.*?)(?:\. What to do: (?P<runbook>\S+))?", re.DOTALL
)
"""As stacks write it: the model, what the alarm is about, and the page that helps."""
_READING: Final = re.compile(r"datapoints? \[(?P<value>[-+]?[\d.]+(?:[eE][-+]?\d+)?)")
_CHILD: Final = re.compile(r"""ALARM\(\s*["']?([^"')]+)["']?\s*\)""")
_RINGS: Final = "ALARM"
_MEASURES: Final = {metric.value for metrics in WATCHES.values() for metric in metrics}


@dataclass(frozen=True)
class Description:
    """What an alarm's description says."""

    model: str
    what: str
    runbook: str


@dataclass(frozen=True)
class AlarmSeen:
    """An alarm as it stands now."""

    name: str
    state: str
    description: str
    reason: str
    since: datetime
    """When its state turned last."""
    limit: float | None = None
    metric: str = ""
    """Name of the one metric that it looks at; empty for expressions and composites."""

    @property
    def is_measuring(self) -> bool:
        """Whether it is about what monitoring measures, so that the ledger knows more."""
        return self.metric in _MEASURES


@dataclass(frozen=True)
class Turn:
    """One change of an alarm's state."""

    at: datetime
    alarm: str
    before: str
    after: str
    reason: str


@dataclass(frozen=True)
class Rang:
    """An alarm from when it began to ring until it did not any more."""

    alarm: str
    start: datetime
    end: datetime | None
    """None while it rings."""
    reason: str
    """CloudWatch's for beginning."""

    @property
    def label(self) -> str:
        """What the alarm is called for short."""
        return label_of(self.alarm)


def label_of(name: str) -> str:
    """As stacks call an alarm: drift, page, monitoringBroken; its whole name, where somebody else made it."""
    id = alarm_id(name)
    return f"{id[:1].lower()}{id[1:]}" if id else name


def rang(turns: Iterable[Turn]) -> list[Rang]:
    """When alarms rang, the first to begin first; one that rang before the first turn that is known began then."""
    open_: dict[str, Turn] = {}
    found: list[Rang] = []
    for turn in sorted(turns, key=lambda each: each.at):
        began = open_.pop(turn.alarm, None)
        if began is not None or turn.before == _RINGS:
            first = began or turn
            found.append(Rang(turn.alarm, first.at, turn.at, first.reason if began else ""))
        if turn.after == _RINGS:
            open_[turn.alarm] = turn
    still = [Rang(turn.alarm, turn.at, None, turn.reason) for turn in open_.values()]
    return sorted([*found, *still], key=lambda each: (each.start, each.alarm))


def lately(reader: "AlarmReader", stack: str, since: datetime) -> list[Turn]:
    """How the alarms of a model's stack have turned since then; one that has rung since before is as if turned then."""
    found: list[Turn] = []
    for prefix in alarms_of(stack):
        for alarm in reader.under(prefix):
            if alarm.since >= since:
                found += reader.turns(alarm.name, since)
            elif alarm.state == _RINGS:
                found.append(Turn(since, alarm.name, "", _RINGS, alarm.reason))
    return found


class AlarmReader(Protocol):
    """Reads alarms, and changes none."""

    def described(self, names: Iterable[str]) -> Sequence[AlarmSeen]:
        """Those on metrics that exist, by name; composites are above them."""
        ...

    def under(self, prefix: str) -> Sequence[AlarmSeen]:
        """All whose name begins so, composites too."""
        ...

    def turns(self, name: str, since: datetime) -> Sequence[Turn]:
        """How its state has turned, oldest first; CloudWatch remembers 30 days."""
        ...


def read_description(text: str) -> Description:
    """Its parts; a description by somebody else is all ``what``."""
    found = _DESCRIPTION.fullmatch(text.strip())
    parts = found.groupdict() if found else {"what": text}
    return Description(parts.get("model") or "", parts["what"] or "", parts.get("runbook") or "")


def reading_of(reason: str) -> float | None:
    """The newest data point that CloudWatch's reason names; None for a reason without one."""
    found = _READING.search(reason)
    return float(found["value"]) if found else None


def children(rule: str) -> list[str]:
    """Names of the alarms that a composite's rule wants to ring, by name or by ARN."""
    return [child.rpartition(":alarm:")[2] for child in _CHILD.findall(rule)]
