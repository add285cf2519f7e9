"""Windows of captured traffic: which files belong to the next one, and which version answered its records.

SageMaker writes a file at most once and names it by the hour in which its first request came, but may write it late. So
what was read is remembered by key, for as many hours back as a file may be late; older keys are not looked at again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.monitoring.records import EVENT, TIME, VERSION
from trimtab.ports import ObjectInfo

LATE_HOURS = 24
"""A capture file that comes later than this after the newest one is not found any more."""
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of capture files in one window; the rest waits for the next, oldest first."""
_HOUR = "%Y/%m/%d/%H"


@dataclass(frozen=True)
class Watermark:
    """How far the capture was read: its newest hour, and the windows that read anything within ``LATE_HOURS`` of it."""

    hour: str = ""
    """yyyy/mm/dd/HH of the newest file read; empty before the first."""
    windows: Mapping[str, str] = field(default_factory=dict)
    """Newest hour of each recent window, by window id."""

    @classmethod
    def of(cls, state: Mapping[str, Any] | None) -> "Watermark":
        """The watermark in the ledger's state."""
        return cls(state["hour"], dict(state["windows"])) if state else cls()

    def to_json(self) -> dict[str, Any]:
        """The form in which the ledger keeps it."""
        return {"hour": self.hour, "windows": dict(self.windows)}

    @property
    def earliest(self) -> str:
        """The first hour in which an unread file is still looked for."""
        if not self.hour:
            return ""
        newest = datetime.strptime(self.hour, _HOUR).replace(tzinfo=UTC)
        return (newest - timedelta(hours=LATE_HOURS)).strftime(_HOUR)

    def advanced(self, window: str, hours: Iterable[str]) -> "Watermark":
        """The watermark after ``window`` has read files of these hours."""
        read = max(hours)
        moved = Watermark(max(self.hour, read), {**self.windows, window: read})
        kept = {name: hour for name, hour in moved.windows.items() if hour >= moved.earliest}
        return Watermark(moved.hour, kept)


def hour_of(uri: str) -> str:
    """yyyy/mm/dd/HH of a capture file."""
    return "/".join(uri.split("/")[-5:-1])


def next_files(files: Iterable[ObjectInfo], read: set[str], max_bytes: int = MAX_BYTES) -> list[ObjectInfo]:
    """Files not read yet, oldest first, at least one and together at most ``max_bytes``."""
    chosen: list[ObjectInfo] = []
    size = 0
    for file in sorted(files, key=lambda info: info.uri):
        if file.uri in read or not file.uri.endswith(".jsonl"):
            continue
        if chosen and size + file.size > max_bytes:
            break
        chosen.append(file)
        size += file.size
    return chosen


def without_repeats(table: pa.Table, seen: Sequence[pa.ChunkedArray]) -> pa.Table:
    """Rows of events that no recent window has counted, as ``seen`` lists them."""
    for events in seen:
        known = pc.is_in(table.column(EVENT), value_set=pc.unique(events))
        table = table.filter(pc.invert(known))
    return table


@dataclass(frozen=True)
class Served:
    """From ``since`` on, ``config`` with ``version`` was confirmed to serve."""

    version: int
    config: str
    since: datetime


def with_versions(table: pa.Table, served: Sequence[Served]) -> pa.Table:
    """Records whose answer named no version get the one that served at their time; 0 when none did."""
    ordered = sorted(served, key=lambda each: each.since)
    by_time: Any = pa.scalar(0, pa.int64())
    for each in ordered:
        after = pc.greater_equal(table.column(TIME), pa.scalar(each.since, pa.timestamp("us", "UTC")))
        by_time = pc.if_else(after, pa.scalar(each.version, pa.int64()), by_time)
    filled = pc.if_else(pc.is_valid(table.column(VERSION)), table.column(VERSION), by_time)
    return table.set_column(table.schema.get_field_index(VERSION), VERSION, filled)


def rows_by_version(table: pa.Table) -> dict[int, int]:
    """Number of records by the version that answered them, most first; the newer version first among equals."""
    counted = [
        (int(each["values"]), int(each["counts"])) for each in pc.value_counts(table.column(VERSION)).to_pylist()
    ]
    return dict(sorted(counted, key=lambda pair: (-pair[1], -pair[0])))


def window_id(at: datetime) -> str:
    """Name of the window that a run at ``at`` collects; a retry of the run has the same."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
