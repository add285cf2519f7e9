"""From accepted files to one labelled table, newest value of each row, within the window, in order of time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.datasets.recipe import Shape
from trimtab.datasets.sources import DATA, TRUTH, Source
from trimtab.datasets.truth import NONE, Truth

Read = Callable[[Source, list[str]], Iterable[pa.Table]]
"""Reads the named columns of a source in their contract's Arrow types, in order, some rows at a time.

Columns that the file lacks are absent.
"""
MEGABYTE = 1024 * 1024


class NotReady(Exception):
    """Raised when no dataset can be made of what was accepted; the message is the reason, in words."""


@dataclass(frozen=True)
class Assembled:
    """Labelled rows in order of time, and the files that gave at least one of them a value or a label."""

    table: pa.Table
    used: tuple[tuple[Source, int], ...]
    """Source and number of its rows (or labels) in the table, in order of acceptance."""
    start: datetime | None = None
    """Event time at which the window begins."""
    contradictions: int = 0
    """Rows of whose id the newest truth file says two things: they are not learned from."""
    early_labels: int = 0
    """Rows whose label was accepted before their own event time."""
    truth: Truth | None = None
    """All that was known."""


@dataclass(frozen=True)
class _Part:
    """Labelled rows of one file, with the position of the truth that labelled each."""

    source: Source
    table: pa.Table
    origins: NDArray[np.intp]

    def only(self, kept: NDArray[np.bool_]) -> "_Part":
        return _Part(self.source, self.table.filter(pa.array(kept)), self.origins[kept])


@dataclass
class _Gathering:
    """Parts that may lie in the window, and its beginning as far as it is known by now."""

    shape: Shape
    limit: float
    """Bytes."""
    start: datetime | None
    moves: bool = True
    """Whether later rows may move the beginning; not when a manifest says where it is."""
    parts: list[_Part] = field(default_factory=list)
    contradictions: int = 0

    def add(self, part: _Part) -> None:
        """The part's rows within the window are kept. Raises NotReady when all of them need too much memory."""
        part = self._within(part)
        if not len(part.table):
            return
        self.parts.append(part)
        if self.shape.event_time and self.moves:
            newest = pc.max(part.table.column(self.shape.event_time)).as_py()
            start = newest - timedelta(days=self.shape.window_days)
            self.start = start if self.start is None else max(self.start, start)
        if self._size() > self.limit:
            self.close()
        if self._size() > self.limit:
            raise NotReady(
                f"the window's labelled rows need more than {self.limit / MEGABYTE:,.0f} MB of memory: shorten"
                " training.window_days, leave columns out, or raise datasets.max_megabytes"
            )

    def close(self) -> None:
        """Only rows within the window are left."""
        self.parts = [part for part in map(self._within, self.parts) if len(part.table)]

    def _within(self, part: _Part) -> _Part:
        if self.start is None or self.shape.event_time is None:
            return part
        start = np.datetime64(self.start.astimezone(UTC).replace(tzinfo=None), "us")
        kept = _times(part.table, self.shape.event_time) >= start
        return part if kept.all() else part.only(kept)

    def _size(self) -> int:
        return sum(part.table.nbytes + part.origins.nbytes for part in self.parts)


def assemble(
    sources: Iterable[Source],
    read: Read,
    shape: Shape,
    *,
    known: Truth | None = None,
    start: datetime | None = None,
    max_megabytes: float = float("inf"),
) -> Assembled:
    """Rows whose label is known, from the newest back over the window; empty when no row has a label.

    A row that several files hold counts once, as the file accepted last has it. ``known`` is truth of earlier files
    that are not among the sources. ``start`` is where the window begins when that is known, as for a dataset that is
    made again. Raises NotReady when the rows need too much memory.
    """
    listed = list(sources)
    truth = _truth(listed, read, shape, known)
    gathering = _Gathering(shape, max_megabytes * MEGABYTE, start, moves=start is None)
    _gather(listed, read, truth, gathering)
    gathering.close()
    parts = sorted(gathering.parts, key=lambda part: part.source.seq)
    if not parts:
        return Assembled(pa.table({}), (), contradictions=gathering.contradictions)
    table = pa.concat_tables([part.table for part in parts], promote_options="default")
    files = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    origins = np.concatenate([part.origins for part in parts])
    kept = _in_order(table, shape)
    used = [*_counted([part.source for part in parts], files[kept]), *_counted(truth.sources, origins[kept])]
    rows = table.take(kept)
    early = _early(rows, origins[kept], truth, shape)
    return Assembled(rows, _summed(used), gathering.start, gathering.contradictions, early, truth)


def _truth(sources: list[Source], read: Read, shape: Shape, known: Truth | None) -> Truth:
    wanted = [shape.id, shape.label]
    tables = [
        (source, pa.concat_tables(list(read(source, wanted)), promote_options="default"))
        for source in sources
        if source.kind == TRUTH
    ]
    newer = Truth.of(tables, shape.id, shape.label, shape.id_type, shape.label_type)
    return newer if known is None else known.before(newer)


def _gather(sources: list[Source], read: Read, truth: Truth, gathering: _Gathering) -> None:
    """Newest data first, until a file lies before the window of the newest labelled row."""
    for source in sorted((s for s in sources if s.kind == DATA), key=_end, reverse=True):
        if gathering.start and source.end and source.end < gathering.start:
            return
        for table in read(source, list(gathering.shape.columns)):
            gathering.contradictions += int(pc.sum(truth.contradicted(table.column(gathering.shape.id))).as_py() or 0)
            gathering.add(_labelled(source, table, gathering.shape, truth))


def _end(source: Source) -> datetime:
    return source.end or datetime.max.replace(tzinfo=UTC)


def _labelled(source: Source, table: pa.Table, shape: Shape, truth: Truth) -> _Part:
    ids = table.column(shape.id)
    labels, origins = truth.look_up(ids)
    if shape.label in table.column_names:
        own = _whole(table.column(shape.label)).cast(shape.label_type)
        labels = pc.if_else(truth.contradicted(ids), labels, pc.coalesce(labels, own))
        table = table.drop_columns([shape.label])
    table = table.append_column(shape.label, labels)
    held = [name for name in shape.columns if name in table.column_names]
    return _Part(source, table.select(held), origins).only(np.asarray(pc.is_valid(labels)))


def _whole(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _in_order(table: pa.Table, shape: Shape) -> NDArray[np.intp]:
    """Positions of the last version of each row, by event time, then as accepted."""
    kept = last_of_each(table.column(shape.id))
    if shape.event_time is None:
        return kept
    times = _times(table, shape.event_time)
    in_order: NDArray[np.intp] = kept[np.argsort(times[kept], kind="stable")]
    return in_order


def last_of_each(ids: Any) -> NDArray[np.intp]:
    """Ascending positions of the last row of each id."""
    codes = np.asarray(pc.dictionary_encode(ids).combine_chunks().indices)
    _, from_end = np.unique(codes[::-1], return_index=True)
    positions: NDArray[np.intp] = np.sort(len(codes) - 1 - from_end)
    return positions


def _times(table: pa.Table, column: str) -> NDArray[np.datetime64]:
    return np.asarray(table.column(column).to_numpy()).astype("datetime64[us]")


def _counted(sources: Iterable[Source], positions: NDArray[np.intp]) -> list[tuple[Source, int]]:
    counts = np.bincount(positions[positions != NONE], minlength=0)
    return [(source, int(count)) for source, count in zip(sources, counts, strict=False) if count]


def _summed(used: list[tuple[Source, int]]) -> tuple[tuple[Source, int], ...]:
    """Each source once, in order of acceptance: its rows came some at a time."""
    sums: dict[int, tuple[Source, int]] = {}
    for source, rows in used:
        sums[source.seq] = (source, rows + (sums[source.seq][1] if source.seq in sums else 0))
    return tuple(sums[seq] for seq in sorted(sums))


def _early(rows: pa.Table, origins: NDArray[np.intp], truth: Truth, shape: Shape) -> int:
    """Rows whose label was accepted before the row's own event time."""
    if shape.event_time is None or not truth.sources:
        return 0
    never = datetime.max.replace(tzinfo=UTC)
    came = [(source.at or never).astimezone(UTC).replace(tzinfo=None) for source in truth.sources]
    accepted = np.array([*came, never.replace(tzinfo=None)], dtype="datetime64[us]")[origins]
    return int((accepted < _times(rows, shape.event_time)).sum())
