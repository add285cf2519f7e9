"""Alarms as a person reads them: what one says, its reading and its limit, and how its state has turned."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from trimtab.telemetry import WATCHES

_DESCRIPTION: Final = re.compile(
    r"(?:(?P<model>[a-z][a-z0-9-]*): )?(?P<what>.*?)(?:\. What to do: (?P<runbook>\S+))?", re.DOTALL
)
"""As stacks write it: the model, what the alarm is about, and the page that helps."""
_READING: Final = re.compile(r"datapoints? \[(?P<value>[-+]?[\d.]+(?:[eE][-+]?\d+)?)")
_CHILD: Final = re.compile(r"""ALARM\(\s*["']?([^"')]+)["']?\s*\)""")
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


class AlarmReader(Protocol):
    """Reads alarms of either type, and changes none."""

    def described(self, names: Iterable[str]) -> Sequence[AlarmSeen]:
        """Those that exist, by name."""
        ...

    def under(self, prefix: str) -> Sequence[AlarmSeen]:
        """All whose name begins so."""
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
