"""The next window of captured traffic, in which every captured record is counted exactly once."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.errors import DataError
from trimtab.monitoring.capture import Event, decode_lines, distinct, traffic
from trimtab.monitoring.records import EVENT, TIME, to_table
from trimtab.monitoring.tables import read_records, write_table
from trimtab.monitoring.windows import (
    Served,
    Watermark,
    hour_of,
    next_files,
    rows_by_version,
    window_id,
    with_versions,
    without_repeats,
)
from trimtab.ports import Ledger, ObjectInfo, ObjectStore
from trimtab.spec import DataSpec

COLLECTED = "window.collected"
WATERMARK = "watermark"
ACTOR = "collect_window"
SHOWN_ERRORS = 5


@dataclass
class Unreadable:
    """Captured lines that could not be decoded."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        """One more line; the first few are kept in words."""
        self.count += 1
        if self.count <= SHOWN_ERRORS:
            self.first.append(str(error))


@dataclass(frozen=True)
class Collection:
    """Collects the window of the run at ``at``."""

    at: datetime
    data: DataSpec
    objects: ObjectStore
    ledger: Ledger
    capture_uri: str
    """Folder of the production endpoint's variant in the captures bucket."""
    window_uri: Callable[..., str]
    """URI of a file of a window, by window id and file name."""

    def collect(self) -> dict[str, Any]:
        """Data of the ``window.collected`` entry; ``rows`` is 0 when nothing new was captured.

        Windows and manifest are written before the entry, and only the entry, which moves the watermark in the same
        transaction, makes them count. So a run that died is repeated without a record lost or counted twice.
        """
        watermark = Watermark.of(self.ledger.state(WATERMARK))
        files = self._next_files(watermark)
        if not files:
            return {"rows": 0}
        unreadable = Unreadable()
        table = to_table(distinct(traffic(self._events(files, unreadable))), self.data)
        table = without_repeats(table, self._seen(watermark))
        window = self._window(with_versions(table, self._served()), files, unreadable)
        state = {WATERMARK: watermark.advanced(window["id"], map(hour_of, (file.uri for file in files))).to_json()}
        self.ledger.append(COLLECTED, window["id"], window, self.at, ACTOR, state=state)
        return window

    def _next_files(self, watermark: Watermark) -> list[ObjectInfo]:
        read = {uri for window in watermark.windows for uri in self._manifest(window)["files"]}
        after = f"{self.capture_uri}/{watermark.earliest}" if watermark.earliest else None
        return next_files(self.objects.list(f"{self.capture_uri}/", after), read)

    def _manifest(self, window: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.objects.read(self.window_uri(window, "manifest.json")))
        return found

    def _seen(self, watermark: Watermark) -> list[pa.ChunkedArray]:
        uris = [self.window_uri(window, "window.parquet") for window in watermark.windows]
        return [read_records(self.objects, uri, [EVENT]).column(EVENT) for uri in uris]

    def _events(self, files: list[ObjectInfo], unreadable: Unreadable) -> Iterator[Event]:
        for file in files:
            with self.objects.open(file.uri) as lines:
                for event in decode_lines(lines, self.data):
                    if isinstance(event, DataError):
                        unreadable.add(event)
                    else:
                        yield event

    def _served(self) -> list[Served]:
        entries = self.ledger.entries("rollout.serving")
        return [Served(int(e.data["version"]), str(e.data["live_config"]), e.at) for e in entries]

    def _window(self, table: pa.Table, files: list[ObjectInfo], unreadable: Unreadable) -> dict[str, Any]:
        name = window_id(self.at)
        uri = self.window_uri(name, "window.parquet")
        write_table(self.objects, uri, table)
        manifest = {"files": [file.uri for file in files], "bytes": sum(file.size for file in files)}
        self.objects.write(self.window_uri(name, "manifest.json"), json.dumps(manifest).encode(), "application/json")
        versions = rows_by_version(table)
        version = next(iter(versions), 0)
        return {
            "id": name,
            "uri": uri,
            "rows": table.num_rows,
            **_extent(table, self.at),
            "version": version,
            "config": self._config(version),
            "versions": {str(each): rows for each, rows in versions.items()},
            "files": len(files),
            "unreadable": unreadable.count,
            "unreadable_first": unreadable.first,
            "summary": f"{table.num_rows} records in {len(files)} files, {unreadable.count} unreadable lines",
        }

    def _config(self, version: int) -> str:
        configs = [served.config for served in self._served() if served.version == version]
        return configs[-1] if configs else ""


def _extent(table: pa.Table, at: datetime) -> dict[str, str]:
    """Time of the first and of the last request; the run's own time for a window without records."""
    extremes = pc.min_max(table.column(TIME))
    start, end = extremes["min"].as_py() or at, extremes["max"].as_py() or at
    return {"start": start.isoformat(), "end": end.isoformat()}
