"""Capture files as tables of records: what of them belongs to a window, and what is left for a later one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.errors import DataError
from trimtab.monitoring.capture import Event, decode_lines, traffic
from trimtab.monitoring.captured_json import read_json_lines
from trimtab.monitoring.files import CaptureFile
from trimtab.monitoring.records import TIME, to_table
from trimtab.ports import ObjectStore
from trimtab.spec import DataSpec

SHOWN_ERRORS = 5


@dataclass
class Unreadable:
    """Captured lines that could not be decoded."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, errors: Sequence[str], count: int | None = None) -> None:
        """More of them; the first few are kept in words."""
        self.count += len(errors) if count is None else count
        self.first = [*self.first, *errors][:SHOWN_ERRORS]


@dataclass
class Decoding:
    """Reads files one after another; what it keeps of those that it has read is small."""

    objects: ObjectStore
    data: DataSpec
    until: datetime
    unreadable: Unreadable = field(default_factory=Unreadable)
    rest: dict[str, list[str]] = field(default_factory=dict)
    """Of files with later records: the time of the first of them, and ``until``."""

    def tables(self, files: Sequence[CaptureFile]) -> Iterator[pa.Table]:
        """The records of each file up to ``until`` that were not counted before."""
        for file in files:
            table, errors = decoded(self.objects.read(file.uri), self.data)
            if file.until is None:  # else they were counted when the file was read first
                self.unreadable.add(errors)
            yield self._share(table, file)

    def _share(self, table: pa.Table, file: CaptureFile) -> pa.Table:
        times = table.column(TIME)
        due = pc.less_equal(times, _moment(self.until))
        later = times.filter(pc.invert(due))
        if len(later):
            self.rest[file.uri] = [pc.min(later).as_py().isoformat(), self.until.isoformat()]
        elif file.until is None:
            return table
        if file.until is not None:
            due = pc.and_(due, pc.greater(times, _moment(file.until)))
        return table.filter(due)


def _moment(at: datetime) -> Any:
    return pa.scalar(at, pa.timestamp("us", "UTC"))


def decoded(body: bytes, data: DataSpec) -> tuple[pa.Table, list[str]]:
    """The traffic in a capture file, one row a record, and what is wrong with each line that cannot be read.

    Rows of one request follow each other. Both ways of decoding give the same table; the faster one knows only
    requests and answers in JSON Lines.
    """
    table = read_json_lines(body, data)
    if table is not None:
        return table, []
    errors: list[str] = []

    def readable() -> Iterator[Event]:
        for event in decode_lines(body.splitlines(keepends=True), data):
            if isinstance(event, DataError):
                errors.append(str(event))
            else:
                yield event

    return to_table(traffic(readable()), data), errors
