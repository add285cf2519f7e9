"""The cut between what a model learns from and what it is judged on: by time, never at random."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.datasets.recipe import BINARY, MULTICLASS


@dataclass(frozen=True)
class Split:
    """Training rows, and hold-out rows that all lie later."""

    train: pa.Table
    holdout: pa.Table
    boundary: datetime | None
    """Event time at which the hold-out begins, None without an event time."""


def split_by_time(
    table: pa.Table,
    event_time: str | None,
    holdout_share: float,
    gap: timedelta = timedelta(0),
) -> Split:
    """The last ``holdout_share`` of ``table``, which is in order of time, becomes the hold-out.

    Rows of one instant stay together, on the hold-out's side. A table of a single instant has no training rows.
    Rows less than ``gap`` before the hold-out are on neither side; without an event time there is no gap.
    """
    cut = int(np.floor(table.num_rows * (1 - holdout_share)))
    if event_time is None or not table.num_rows:
        return Split(table.slice(0, cut), table.slice(cut), None)
    times = np.asarray(table.column(event_time).to_numpy()).astype("datetime64[us]")
    boundary = times[min(cut, len(times) - 1)]
    begins = int(np.searchsorted(times, boundary, side="left"))
    ends = int(np.searchsorted(times, boundary - np.timedelta64(gap), side="left"))
    return Split(table.slice(0, ends), table.slice(begins), boundary.astype(datetime).replace(tzinfo=UTC))


def describe(rows: pa.Table, label: str, event_time: str | None, problem: str = BINARY) -> dict[str, Any]:
    """What a manifest says of one side: rows, positives or rows of each class, and period."""
    said: dict[str, Any] = {"rows": rows.num_rows}
    if problem == BINARY:
        said["positives"] = int(np.asarray(rows.column(label).to_numpy()).sum()) if rows.num_rows else 0
    elif problem == MULTICLASS:
        said["class_counts"] = class_counts(rows, label)
    return said | {"period": _period(rows, event_time)}


def class_counts(rows: pa.Table, label: str) -> dict[str, int]:
    """Rows of each class, by the class's text, in order."""
    if not rows.num_rows:
        return {}
    counted = pc.value_counts(rows.column(label)).to_pylist()
    return dict(sorted((str(each["values"]), int(each["counts"])) for each in counted))


def _period(rows: pa.Table, event_time: str | None) -> dict[str, str] | None:
    if event_time is None or not rows.num_rows:
        return None
    column = rows.column(event_time)
    return {"start": column[0].as_py().isoformat(), "end": column[-1].as_py().isoformat()}
