"""Which capture files were not read yet, whenever they came.

SageMaker writes a file at most once and names it by the hour of its requests, but may write it late. What was read is
told by the manifests of windows; the ledger says which windows read files of which hours. A run looks at the hours
since the newest window, and some hours before; of the days before those, at every seventh, and when it finds no
traffic, at all.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from trimtab.ports import Entry, ObjectInfo, ObjectStore

HOUR: Final = timedelta(hours=1)
SWEEPS: Final = 7
"""Runs in which all older days are looked at once."""
_HOUR_NAME: Final = "%Y/%m/%d/%H"


@dataclass(frozen=True)
class CaptureFile:
    """A file that was not read to its end."""

    uri: str
    size: int
    """Bytes."""
    begin: datetime | None = None
    """Time of its first record that was not counted; None when it was not read at all."""
    until: datetime | None = None
    """Its records up to this time were counted."""

    @property
    def hour(self) -> datetime:
        """Begin of the hour that it is named by."""
        return hour_of(self.uri)

    @property
    def end(self) -> datetime:
        """End of that hour."""
        return self.hour + HOUR

    def to_json(self) -> dict[str, Any]:
        """The file as JSON values."""
        times = [self.begin.isoformat(), self.until.isoformat()] if self.begin and self.until else []
        return {"uri": self.uri, "size": self.size, "times": times}

    @classmethod
    def of_json(cls, found: Mapping[str, Any]) -> "CaptureFile":
        """What ``to_json`` gave."""
        return cls(found["uri"], found["size"], *map(datetime.fromisoformat, found["times"]))


def hour_of(uri: str) -> datetime:
    """Begin of the hour that a capture file is named by: its folder is yyyy/mm/dd/HH. Raises ValueError."""
    return datetime.strptime("/".join(uri.rsplit("/", 5)[-5:-1]), _HOUR_NAME).replace(tzinfo=UTC)


def day_of(uri: str) -> str:
    """yyyy-mm-dd of a capture file's folder."""
    return hour_of(uri).date().isoformat()


@dataclass(frozen=True)
class Shelf:
    """All capture files of a model. ``folders`` are those of the variants that answer requests."""

    folders: Sequence[str]
    objects: ObjectStore
    windows: Sequence[Entry]
    """What was collected, as the ledger has it."""
    manifest_uri: Callable[[str], str]
    """URI of a window's manifest, by the window's id."""

    def unread(self, at: datetime, since: datetime | None, sweep_days: int, turn: int) -> list[CaptureFile]:
        """Files of hours up to ``at`` that were not read to their end, oldest first.

        Those since ``since`` (all when None); and of the ``sweep_days`` before, those of the days whose turn it is,
        or of all when there is none since.
        """
        recent = self._left(self._since(since), at)
        if since is None:
            return recent
        turns = {turn % SWEEPS} if recent else range(SWEEPS)
        found = {file.uri: file for file in (*self._left(self._swept(since, sweep_days, turns), at), *recent)}
        return sorted(found.values(), key=_in_order)

    def _left(self, found: Iterable[ObjectInfo], at: datetime) -> list[CaptureFile]:
        """What is left of these files, oldest first."""
        listed = {file.uri: file for file in found if hour_of(file.uri) <= at}
        if not listed:
            return []
        read, opened = self._known(listed.values())
        left = (CaptureFile(uri, file.size, *opened.get(uri, ())) for uri, file in listed.items() if uri not in read)
        unread = (file for file in left if file.begin is None or file.begin <= at)
        return sorted(unread, key=_in_order)

    def _since(self, since: datetime | None) -> Iterator[ObjectInfo]:
        for folder in self.folders:
            after = f"{folder}/{since:{_HOUR_NAME}}" if since else None
            yield from _captured(self.objects.list(f"{folder}/", after))

    def _swept(self, since: datetime, days: int, turns: Collection[int]) -> Iterator[ObjectInfo]:
        """Files of older days of which more lie there than were read, of the days whose turn it is."""
        for back in range(days + 1):
            day = since.date() - timedelta(days=back)
            if day.toordinal() % SWEEPS not in turns:
                continue
            prefixes = [f"{folder}/{day:%Y/%m/%d}/" for folder in self.folders]
            files = [file for prefix in prefixes for file in _captured(self.objects.list(prefix))]
            if len(files) > self._read_by_day.get(day.isoformat(), 0):
                yield from files

    @cached_property
    def _read_by_day(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for window in self.windows:
            for day, count in window.data.get("days", {}).items():
                counts[day] = counts.get(day, 0) + int(count)
        return counts

    def _known(self, files: Iterable[ObjectInfo]) -> tuple[set[str], dict[str, list[datetime]]]:
        """Files that were read to their end; of others, when their rest begins and up to which time they were."""
        days = {day_of(file.uri) for file in files}
        read: set[str] = set()
        opened: dict[str, list[datetime]] = {}
        for window in self.windows:
            if days & set(window.data.get("touched", days)):
                manifest = json.loads(self.objects.read(self.manifest_uri(window.subject)))
                read |= set(manifest["files"])
                opened |= {
                    uri: list(map(datetime.fromisoformat, times)) for uri, times in manifest.get("open", {}).items()
                }
        return read, opened


def _in_order(file: CaptureFile) -> tuple[datetime, str]:
    return file.hour, file.uri


def _captured(files: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
    """Files that are capture files by their names."""
    for file in files:
        try:
            hour_of(file.uri)
        except ValueError:
            continue
        if file.uri.endswith(".jsonl"):
            yield file
