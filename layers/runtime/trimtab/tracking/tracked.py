"""One run as trackers are told of it, and what a tracker does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class TrackedRun:
    """A run that has ended, however it went."""

    name: str
    model: str
    outcome: str
    """Registered, Refused, NotReady or Failed."""
    reason: str
    started: datetime
    ended: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    dataset: str = ""
    """Digest; empty when none was made."""
    dataset_uri: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Reports by name."""
    version: int | None = None
    """In the registry; None when it was not registered."""
    artifact_uri: str = ""


class Tracker(Protocol):
    """Keeps runs for people who look at experiments. Raises ServiceRefused when it cannot be reached or says no."""

    def record(self, run: TrackedRun) -> str:
        """Where the run is found; recording it again changes nothing."""
        ...

    def champion(self, model: str, run: str, version: int) -> str:
        """This version of ``model``, trained by ``run``, is marked as the one that serves; says where."""
        ...


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of a JSON object by their dotted names."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The leaves that are numbers; what could not be measured is left out."""
    found = dict(flat(values))
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
