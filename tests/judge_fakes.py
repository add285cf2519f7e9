"""Sources of evidence in memory, for the judge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trimtab.errors import EvidenceUnreadable
from trimtab.rollout.judge.evidence import Fleet
from trimtab.rollout.judge.sources import CapturedAnswer, Series

Key = tuple[str, frozenset[tuple[str, str]], str]


@dataclass
class MemoryMeasurements:
    """Metrics that a test has put; ``broken`` makes every read fail with it as the reason."""

    values: dict[Key, dict[datetime, float]] = field(default_factory=dict)
    broken: str = ""

    def measure(
        self, metric: str, dimensions: Mapping[str, str], minute: datetime, value: float, statistic: str = "Sum"
    ) -> None:
        key = metric, frozenset(dimensions.items()), statistic
        self.values.setdefault(key, {})[minute.replace(second=0, microsecond=0)] = value

    def series(self, wanted: Sequence[Series], start: datetime, end: datetime) -> list[dict[datetime, float]]:
        if self.broken:
            raise EvidenceUnreadable(self.broken)
        found = [self.values.get((s.metric, frozenset(s.dimensions.items()), s.statistic), {}) for s in wanted]
        return [{minute: value for minute, value in each.items() if start <= minute < end} for each in found]


@dataclass
class MemoryCaptures:
    """Captured answers by variant."""

    found: dict[str, list[CapturedAnswer]] = field(default_factory=dict)
    broken: str = ""

    def answers(self, fleet: Fleet, since: datetime) -> Iterable[CapturedAnswer]:
        if self.broken:
            raise EvidenceUnreadable(self.broken)
        return [answer for answer in self.found.get(fleet.variant, []) if answer.time >= since]
