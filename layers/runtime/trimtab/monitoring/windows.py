"""Which window a moment belongs to, and which version and endpoint config answered a record.

Windows follow each other without gap or overlap: each begins where the one before ended, its start exclusive and its
end inclusive, and none is longer than a period. They are cut back from the time of the run, so a run by schedule ends
a whole period, and a run between two of them ends a shorter one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.ledger.kinds import ROLLBACK_DONE
from trimtab.monitoring.records import TIME, VERSION
from trimtab.ports import Entry

MOMENT = timedelta(microseconds=1)
"""The smallest difference between two times of a record."""


@dataclass(frozen=True)
class Span:
    """From after ``start`` to ``end``."""

    start: datetime
    end: datetime

    def to_json(self) -> dict[str, str]:
        """Both ends as ISO 8601."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}


@dataclass(frozen=True)
class Calendar:
    """Windows of one run at ``at``."""

    at: datetime
    period: timedelta
    through: datetime | None = None
    """Where the newest window that was collected ends; None before the first."""

    def window(self, moment: datetime) -> Span:
        """The window of a moment that is not later than ``at``; of one that is not after ``through``, a closed one."""
        if self.through is not None and moment <= self.through:
            return self._cut(moment, self.through)
        found = self._cut(moment, self.at)
        return Span(max(found.start, self.through), found.end) if self.through else found

    def is_closed(self, moment: datetime) -> bool:
        """Whether the window of the moment was collected before."""
        return self.through is not None and moment <= self.through

    def _cut(self, moment: datetime, anchor: datetime) -> Span:
        end = anchor - (anchor - moment) // self.period * self.period
        return Span(end - self.period, end)


def watermark(state: Mapping[str, Any] | None) -> datetime | None:
    """Where the newest window ends, as the ledger's state has it; None before the first.

    A state from before windows had ends names the newest hour of which a file was read.
    """
    if not state:
        return None
    if "through" in state:
        return datetime.fromisoformat(state["through"])
    return datetime.strptime(state["hour"], "%Y/%m/%d/%H").replace(tzinfo=UTC)


@dataclass(frozen=True)
class Served:
    """From ``since`` on, ``config`` with ``version`` was confirmed to serve."""

    version: int
    config: str
    since: datetime
    percent: float = 100.0
    """Share of the requests that were captured; 0 where only batches are."""


def served_by(entry: Entry, usual: float) -> Served:
    """Of the entry that says that a version serves, newly or again; ``usual`` is the spec's share of capture.

    The share in force is what the endpoint was seen with when it came to serve.
    """
    data = entry.data
    seen = data.get("evidence", {}).get("carried", {}).get("capture_percent")
    restored = entry.kind == ROLLBACK_DONE
    version, config = (data["to_version"], data["config"]) if restored else (data["version"], data["live_config"])
    return Served(int(version), str(config), entry.at, usual if seen is None else float(seen))


def with_versions(table: pa.Table, served: Sequence[Served]) -> pa.Table:
    """Records whose answer named no version get the one that served at their time; 0 when none did."""
    ordered = sorted(served, key=lambda each: each.since)
    by_time: Any = pa.scalar(0, pa.int64())
    for each in ordered:
        by_time = pc.if_else(_since(table, each.since), pa.scalar(each.version, pa.int64()), by_time)
    filled = pc.if_else(pc.is_valid(table.column(VERSION)), table.column(VERSION), by_time)
    return table.set_column(table.schema.get_field_index(VERSION), VERSION, filled)


def _since(table: pa.Table, moment: datetime) -> Any:
    return pc.greater_equal(table.column(TIME), pa.scalar(moment, pa.timestamp("us", "UTC")))


def rows_by_version(table: pa.Table) -> dict[int, int]:
    """Number of records by the version that answered them."""
    counted = pc.value_counts(table.column(VERSION)).to_pylist()
    return {int(each["values"]): int(each["counts"]) for each in counted}


def ranked(rows: Mapping[int, int]) -> dict[int, int]:
    """Versions by their records, most first; the newer version first among equals."""
    return dict(sorted(rows.items(), key=lambda pair: (-pair[1], -pair[0])))


def rows_by_config(table: pa.Table, served: Sequence[Served]) -> dict[int, int]:
    """Number of records by the position in ``served`` of what answered them; those of unknown versions are left out.

    A version may have served under several configs one after another: its records belong to the newest before them,
    and those from before it was confirmed (of a rollout under way) to its first.
    """
    found: dict[int, int] = {}
    for version in {each.version for each in served}:
        places = sorted((i for i, each in enumerate(served) if each.version == version), key=lambda i: served[i].since)
        mine = table.filter(pc.equal(table.column(VERSION), version))
        after = [mine.num_rows, *(pc.sum(_since(mine, served[i].since)).as_py() or 0 for i in places[1:]), 0]
        found |= {place: after[n] - after[n + 1] for n, place in enumerate(places) if after[n] > after[n + 1]}
    return found


def stamp(moment: datetime) -> str:
    """A moment as names of windows have it: to the microsecond, as two runs may begin within a second."""
    found = moment.astimezone(UTC)
    return found.strftime("%Y%m%dT%H%M%S.%fZ" if found.microsecond else "%Y%m%dT%H%M%SZ")
