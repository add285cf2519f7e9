"""A feature store in memory that keeps what SageMaker's promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class MemoryFeatureStore:
    """Groups are made by writing to them. ``written`` is every record in the order of writing."""

    id: str
    event_time: str
    online: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    written: list[dict[str, str]] = field(default_factory=list)

    def put(self, group: str, records: Sequence[Mapping[str, str]]) -> None:
        held = self.online.setdefault(group, {})
        for record in records:
            self.written.append(dict(record))
            before = held.get(record[self.id], record)
            if before[self.event_time] <= record[self.event_time]:
                held[record[self.id]] = dict(record)

    def get(self, group: str, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        held = self.online.get(group, {})
        return {each: held[each] for each in ids if each in held}
