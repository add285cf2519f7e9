"""The cut between what a model learns from and what it is judged on: by time, never at random."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa


@dataclass(frozen=True)
class Split:
    """Training rows, and hold-out rows that all lie later."""

    train: pa.Table
    holdout: pa.Table
    boundary: datetime | None
    """Event time at which the hold-out begins, None without an event time."""


def split_by_time(table: pa.Table, event_time: str | None, holdout_share: float) -> Split:
    """The last ``holdout_share`` of ``table``, which is in order of time, becomes the hold-out.

    Rows of one instant stay together, on the hold-out's side. A table of a single instant has no training rows.
    """
    cut = int(np.floor(table.num_rows * (1 - holdout_share)))
    if event_time is None or not table.num_rows:
        return Split(table.slice(0, cut), table.slice(cut), None)
    times = np.asarray(table.column(event_time).to_numpy()).astype("datetime64[us]")
    boundary = times[min(cut, len(times) - 1)]
    cut = int(np.searchsorted(times, boundary, side="left"))
    return Split(table.slice(0, cut), table.slice(cut), boundary.astype(datetime).replace(tzinfo=UTC))


def describe(rows: pa.Table, label: str, event_time: str | None) -> dict[str, Any]:
    """What a manifest says of one side: rows, positives and period."""
    positives = int(np.asarray(rows.column(label).to_numpy()).sum()) if rows.num_rows else 0
    return {"rows": rows.num_rows, "positives": positives, "period": _period(rows, event_time)}


def _period(rows: pa.Table, event_time: str | None) -> dict[str, str] | None:
    if event_time is None or not rows.num_rows:
        return None
    column = rows.column(event_time)
    return {"start": column[0].as_py().isoformat(), "end": column[-1].as_py().isoformat()}
