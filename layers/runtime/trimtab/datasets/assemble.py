"""From accepted files to one labelled table, newest value of each row, within the window, in order of time."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.datasets.sources import DATA, TRUTH, Source
from trimtab.datasets.truth import NONE, Truth

Read = Callable[[Source, list[str]], pa.Table]
"""Reads the named columns of a source in their contract's Arrow types; columns that the file lacks are absent."""
ID_TYPES = {"integer": pa.int64(), "string": pa.string()}


@dataclass(frozen=True)
class Shape:
    """What rows of the dataset look like."""

    id: str
    id_type: pa.DataType
    event_time: str | None
    label: str
    columns: tuple[str, ...]
    """All columns that are kept, id, event time and label among them."""
    window_days: int


@dataclass(frozen=True)
class Assembled:
    """Labelled rows in order of time, and the files that gave at least one of them a value or a label."""

    table: pa.Table
    used: tuple[tuple[Source, int], ...]
    """Source and number of its rows (or labels) in the table, in order of acceptance."""


@dataclass(frozen=True)
class _Part:
    """The labelled rows of one file, with the position of the truth that labelled each."""

    source: Source
    table: pa.Table
    origins: NDArray[np.intp]


def assemble(sources: Iterable[Source], read: Read, shape: Shape) -> Assembled:
    """Rows whose label is known, from the newest back over the window; empty when no row has a label.

    A row that several files hold counts once, as the file accepted last has it.
    """
    listed = list(sources)
    truths = [(source, read(source, [shape.id, shape.label])) for source in listed if source.kind == TRUTH]
    truth = Truth.of(truths, shape.id, shape.label, shape.id_type)
    parts = sorted(_labelled_parts(listed, read, shape, truth), key=lambda part: part.source.seq)
    if not parts:
        return Assembled(pa.table({}), ())
    table = pa.concat_tables([part.table for part in parts], promote_options="default")
    files = np.repeat(np.arange(len(parts)), [len(part.table) for part in parts])
    origins = np.concatenate([part.origins for part in parts])
    kept = _in_order(table, shape)
    used = [*_counted([part.source for part in parts], files[kept]), *_counted(truth.sources, origins[kept])]
    return Assembled(table.take(kept), tuple(sorted(used, key=lambda pair: pair[0].seq)))


def _labelled_parts(sources: list[Source], read: Read, shape: Shape, truth: Truth) -> Iterator[_Part]:
    """Newest data first, until a file lies before the window of the newest labelled row."""
    newest: datetime | None = None
    for source in sorted((s for s in sources if s.kind == DATA), key=_end, reverse=True):
        if newest and source.end and source.end < newest - timedelta(days=shape.window_days):
            return
        part = _labelled(source, read(source, list(shape.columns)), shape, truth)
        if len(part.table):
            yield part
            latest = _latest(part.table, shape)
            newest = max(newest, latest) if newest and latest else newest or latest


def _end(source: Source) -> datetime:
    return source.end or datetime.max.replace(tzinfo=UTC)


def _latest(table: pa.Table, shape: Shape) -> datetime | None:
    return pc.max(table.column(shape.event_time)).as_py() if shape.event_time else None


def _labelled(source: Source, table: pa.Table, shape: Shape, truth: Truth) -> _Part:
    labels, origins = truth.look_up(table.column(shape.id))
    if shape.label in table.column_names:
        own = table.column(shape.label).cast(pa.int8()).combine_chunks()
        labels = pc.coalesce(labels, own)
        table = table.drop_columns([shape.label])
    table = table.append_column(shape.label, labels)
    known = np.asarray(pc.is_valid(labels))
    held = [name for name in shape.columns if name in table.column_names]
    return _Part(source, table.select(held).filter(known), origins[known])


def _in_order(table: pa.Table, shape: Shape) -> NDArray[np.intp]:
    """Positions of the last version of each row that lies in the window, by event time, then as accepted."""
    kept = last_of_each(table.column(shape.id))
    if shape.event_time is None:
        return kept
    times = _times(table, shape.event_time)
    start = times[kept].max() - np.timedelta64(shape.window_days, "D")
    kept = kept[times[kept] >= start]
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
