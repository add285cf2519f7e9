"""Truth that came late, joined to the records of earlier windows by id."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.datasets.truth import Truth
from trimtab.monitoring.records import LABEL
from trimtab.ports import Entry

HORIZON_DAYS = 120
"""Truth that comes later than this after a window was collected is not joined to it any more."""


@dataclass(frozen=True)
class Pairing:
    """Which truth files a window has not met yet."""

    window: Entry
    files: tuple[Entry, ...]


def pairings(windows: Iterable[Entry], files: Sequence[Entry], joined_through: int, at: datetime) -> list[Pairing]:
    """Windows within the horizon that some truth file is new to.

    ``joined_through`` is the sequence number of the newest entry that the last join had seen: a window collected since
    has met no file yet, an older one has met all files up to it.
    """
    earliest = at - timedelta(days=HORIZON_DAYS)
    found = []
    for window in windows:
        new_window = window.seq > joined_through
        unmet = tuple(file for file in files if file.at >= earliest and (new_window or file.seq > joined_through))
        if window.at >= earliest and unmet and int(window.data["rows"]) > 0:
            found.append(Pairing(window, unmet))
    return found


def with_labels(records: pa.Table, truth: Truth, id_column: str) -> pa.Table:
    """Records with the column ``_label``: what ``truth`` says, else what an earlier join had found, else null."""
    labels, _ = truth.look_up(records.column(id_column))
    known: Any = labels.cast(pa.int8())
    if LABEL in records.column_names:
        known = pc.coalesce(known, records.column(LABEL).combine_chunks())
        records = records.drop_columns([LABEL])
    return records.append_column(LABEL, known)


def labelled(records: pa.Table) -> int:
    """Number of records whose truth is known."""
    column = records.column(LABEL)
    return int(len(column) - column.null_count)
