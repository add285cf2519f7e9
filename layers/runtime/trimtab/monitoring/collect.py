"""The next window of captured traffic, in which every captured record is counted exactly once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.limits import MEGABYTE
from trimtab.ledger.kinds import ROLLBACK_DONE, ROLLOUT_SERVING, WINDOW_COLLECTED
from trimtab.monitoring.decode import Decoding, Unreadable
from trimtab.monitoring.files import HOUR, CaptureFile, Shelf, day_of
from trimtab.monitoring.once import Digests, first_of_each, kept, request_digests
from trimtab.monitoring.records import EVENT, ROW, TIME, record_schema
from trimtab.monitoring.tables import record_batches
from trimtab.monitoring.target import Target, extended, following, latecomers, together
from trimtab.monitoring.window_file import WindowFile
from trimtab.monitoring.windows import Calendar, Served, served_by, watermark
from trimtab.ports import Entry, Ledger, ObjectStore
from trimtab.spec import Spec

WATERMARK = "watermark"
ACTOR = "collect_window"
MANIFEST = "manifest.json"
TURNS = 31
"""Windows that one run collects at most; the rest waits for the next run."""


@dataclass(frozen=True)
class Found:
    """Records of a target, each request once, and what is left of its files for later windows."""

    target: Target
    tables: Callable[[], Iterator[pa.Table]]
    rows: int
    requests: int
    repeats: int
    """Requests that were captured again."""
    rest: Mapping[str, Sequence[str]]
    """Of files with later records: the time of the first of them, and up to which time the others were taken."""
    unreadable: Unreadable

    @property
    def finished(self) -> list[str]:
        """Files of which nothing is left."""
        return [file.uri for file in self.target.files if file.uri not in self.rest]


@dataclass(frozen=True)
class Collection:
    """Collects a window of the run at ``at``; ``turn`` counts those that the run has collected before."""

    at: datetime
    turn: int
    spec: Spec
    objects: ObjectStore
    ledger: Ledger
    capture_uris: Sequence[str]
    """Folders of the variants that answer production's requests, in the captures bucket."""
    window_uri: Callable[..., str]
    """URI of a file of a window, by window id and file name."""

    def collect(self) -> dict[str, Any] | Target:
        """Data of the ``window.collected`` entry; ``rows`` is 0 when nothing new was captured.

        A target whose files are too many for one function is returned as it is. Window and manifest are written
        before the entry, and only the entry, which moves the watermark in the same transaction, makes them count. So
        a run that died is repeated without a record lost or counted twice.
        """
        found = self._found()
        if found is None or isinstance(found, Target):
            return found or {"rows": 0}
        return self.recorded(found)

    def earlier(self) -> dict[str, Any] | None:
        """What an earlier attempt at this turn of the run has recorded."""
        mine = (entry.data for entry in self._windows if entry.data.get("run") == self.at.isoformat())
        return next((dict(data) for data in mine if data["turn"] == self.turn), None)

    @cached_property
    def calendar(self) -> Calendar:
        """Which windows there are."""
        monitoring = self.spec.monitoring
        period = timedelta(hours=monitoring.windows.period_hours(monitoring.schedule))
        return Calendar(self.at, period, watermark(self.ledger.state(WATERMARK)))

    @cached_property
    def _windows(self) -> list[Entry]:
        return [entry for entry in self.ledger.entries(WINDOW_COLLECTED) if entry.kind == WINDOW_COLLECTED]

    @cached_property
    def unread(self) -> list[CaptureFile]:
        """Files with records that no window has counted."""
        watch, through = self.spec.monitoring.windows, self.calendar.through
        since = min(through, self.at).replace(minute=0, second=0, microsecond=0) if through else None
        since = since - watch.late_hours * HOUR if since else None
        shelf = Shelf(self.capture_uris, self.objects, self._windows, lambda name: self.window_uri(name, MANIFEST))
        # a run's number, and not its time: weekly runs would look at the same seventh of the days for ever
        number = len({window.data.get("run") for window in self._windows} - {self.at.isoformat()})
        return shelf.unread(self.at, since, watch.sweep_days, number)

    def _found(self) -> "Found | Target | None":
        """The oldest latecomers that can be judged; else the next window, with the other latecomers."""
        few: list[Target] = []
        for target in latecomers(self.unread, self.calendar, self.turn):
            found = self._read(target)
            if isinstance(found, Target) or found.rows >= self.spec.monitoring.min_rows:
                return found
            few.append(target)
        fresh = self._next([file for target in few for file in target.files])
        return self._read(together(few)) if fresh is None and few else fresh

    def _next(self, late: Sequence[CaptureFile]) -> "Found | Target | None":
        """None when no record was captured up to ``at``, or so few that they are carried."""
        files, target = list(self.unread), following(self.unread, self.calendar)
        while target is not None:
            found = self._read(target.joined(late))
            if isinstance(found, Target):
                return found
            if self._is_carried(found):
                target = extended(target, files, self.calendar)
            elif found.rows or found.finished:
                return found
            else:  # the files of this hour begin after the window's end
                files = [_behind(file, found) for file in files]
                target = following(files, self.calendar)
        return None

    def _is_carried(self, found: Found) -> bool:
        """Whether so few records wait for more: never so long that the silence alarm would ring."""
        monitoring, span = self.spec.monitoring, found.target.span
        is_thin = 0 < found.rows < monitoring.min_rows and monitoring.windows.thin == "carry"
        return is_thin and span.end - span.start + self.calendar.period <= monitoring.silent_hours * HOUR

    def _read(self, target: Target) -> "Found | Target":
        """What its files hold; the target itself when they are too many for one function."""
        if target.size > self.spec.monitoring.windows.fan_out.above_megabytes * MEGABYTE:
            return target
        decoding = Decoding(self.objects, self.spec.data, target.until)
        tables = list(decoding.tables(target.files))
        return self.distinct(target, lambda *_: iter(tables), decoding.rest, decoding.unreadable)

    def distinct(
        self,
        target: Target,
        tables: Callable[..., Iterator[pa.Table]],
        rest: Mapping[str, Sequence[str]],
        unreadable: Unreadable,
    ) -> Found:
        """What is found when ``tables`` gives all records of a target, or the columns of them that it is asked for."""
        extent = extent_of(tables(TIME))
        fresh = first_of_each(request_digests(tables(EVENT, ROW)), self._seen(*extent) if extent else ())
        rows = sum(table.num_rows for table in kept(tables(ROW), fresh))
        once, again = int(fresh.sum()), int((~fresh).sum())
        return Found(target, lambda: kept(tables(), fresh), rows, once, again, rest, unreadable)

    def _seen(self, first: datetime, last: datetime) -> Iterator[Digests]:
        """Requests of all windows that may have counted one that is captured between these times."""
        margin = self.spec.monitoring.windows.late_hours * HOUR
        for window in self._windows:
            start, end = (datetime.fromisoformat(window.data[name]) for name in ("start", "end"))
            if window.data["rows"] and start - margin <= last and end + margin >= first:
                yield request_digests(record_batches(self.objects, str(window.data["uri"]), [EVENT, ROW]))

    def recorded(self, found: Found) -> dict[str, Any]:
        """Window, manifest and entry stand; the entry's data."""
        target, calendar = found.target, self.calendar
        uri = self.window_uri(target.id, "window.parquet")
        file = WindowFile(self._served(), calendar.through)
        file.write(self.objects, uri, record_schema(self.spec.data), found.tables())
        self._write_manifest(found)
        window = {"id": target.id, "uri": uri, **file.to_json(self.at), **self._about(found, file)}
        through = max(target.span.end, calendar.through or target.span.end)
        state = {WATERMARK: {"through": through.isoformat()}}
        self.ledger.append(WINDOW_COLLECTED, target.id, window, self.at, ACTOR, state=state)
        return window

    def _write_manifest(self, found: Found) -> None:
        manifest = {"files": found.finished, "open": dict(found.rest), "bytes": found.target.size}
        body = json.dumps(manifest).encode()
        self.objects.write(self.window_uri(found.target.id, MANIFEST), body, "application/json")

    def _about(self, found: Found, file: WindowFile) -> dict[str, Any]:
        """What the ledger says of the window beside its records."""
        files, behind = found.target.files, self._left(found)
        late = [each for each in files if self.calendar.is_closed(each.begin or each.end)]
        bad = found.unreadable
        return {
            "run": self.at.isoformat(),
            "turn": self.turn,
            "period": found.target.span.to_json(),
            "files": len(files),
            "days": dict(Counter(map(day_of, found.finished))),
            "touched": sorted({day_of(each.uri) for each in files}),
            "late": {"files": len(late), "rows": file.late_rows, "of": found.target.late},
            "requests": found.requests,
            "repeats": found.repeats,
            "unreadable": bad.count,
            "unreadable_first": bad.first,
            "skipped": self._skipped(file.rows),
            "behind": behind,
            "more": behind > 0 and self.turn + 1 < TURNS,
            "summary": f"{file.rows} records in {len(files)} files, {bad.count} unreadable lines",
        }

    def _skipped(self, rows: int) -> str:
        least = self.spec.monitoring.min_rows
        return f"{rows} records, fewer than {least}: not judged" if rows < least else ""

    def _left(self, found: Found) -> int:
        """Number of files with records up to the run's time that wait for the next turn."""
        rest = {uri: datetime.fromisoformat(times[0]) for uri, times in found.rest.items()}
        finished = set(found.finished)
        return sum(file.uri not in finished and rest.get(file.uri, self.at) <= self.at for file in self.unread)

    def _served(self) -> list[Served]:
        """Every reign, the oldest first."""
        entries = [entry for kind in (ROLLOUT_SERVING, ROLLBACK_DONE) for entry in self.ledger.entries(kind)]
        in_order = sorted(entries, key=lambda entry: entry.seq)
        return [served_by(entry, float(self.spec.rollout.capture_percent)) for entry in in_order]


def extent_of(tables: Iterator[pa.Table]) -> tuple[datetime, datetime] | None:
    """Times of the first and of the last record; None without any."""
    extremes = [pc.min_max(table.column(TIME)) for table in tables if table.num_rows]
    if not extremes:
        return None
    return min(each["min"].as_py() for each in extremes), max(each["max"].as_py() for each in extremes)


def _behind(file: CaptureFile, found: Found) -> CaptureFile:
    """The file without the records before the first that was left."""
    times = found.rest.get(file.uri)
    return replace(file, begin=datetime.fromisoformat(times[0]), until=found.target.until) if times else file
