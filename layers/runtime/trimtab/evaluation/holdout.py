"""The hold-out as columns for arithmetic and as records for serving."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trimtab.errors import DataError
from trimtab.evaluation.metrics import Floats

Record = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """A labelled set of rows under a spec's data section."""

    table: pa.Table
    label_column: str
    event_time: str | None

    @classmethod
    def read(cls, folder: Path, data: dict[str, Any]) -> "Rows":
        """The Parquet files of a dataset's prefix. Raises DataError when there are none."""
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise DataError(f"no Parquet file in {folder}: is the job's input set to the dataset's prefix?")
        return cls(pa.concat_tables(map(pq.read_table, files)), data["label"], data["event_time"])

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def label(self) -> Floats:
        """0 and 1, shape (n,)."""
        return self.column(self.label_column).astype(np.float64)

    def column(self, name: str) -> NDArray[Any]:
        """Shape (n,); text keeps None for a missing value, numbers have NaN."""
        return np.asarray(self.table.column(name).to_numpy())

    @cached_property
    def times(self) -> NDArray[np.datetime64] | None:
        """Event times in UTC, shape (n,), None without an event time."""
        return None if self.event_time is None else self.column(self.event_time).astype("datetime64[us]")

    @property
    def period(self) -> dict[str, str] | None:
        """First and last event time, ISO 8601."""
        if self.times is None or not len(self):
            return None
        return {"start": _iso(self.times.min()), "end": _iso(self.times.max())}

    def after(self, until: str | None) -> NDArray[np.bool_]:
        """Which rows lie later than ``until`` (ISO 8601); all of them without a time on either side."""
        if until is None or self.times is None:
            return np.ones(len(self), dtype=bool)
        moment = datetime.fromisoformat(until)
        naive = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
        return np.asarray(self.times > np.datetime64(naive, "us"))

    def records(self, names: Sequence[str], rows: NDArray[np.intp] | None = None) -> list[Record]:
        """Serving records of the named columns, of all rows or of those at ``rows``."""
        chosen = self.table.select(list(dict.fromkeys(names)))
        listed = (chosen if rows is None else chosen.take(pa.array(rows))).to_pylist()
        return [{name: plain(value) for name, value in record.items()} for record in listed]


def plain(value: Any) -> Any:
    """A JSON value: a time as ISO 8601, NaN as null."""
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _iso(moment: np.datetime64) -> str:
    return moment.astype(datetime).replace(tzinfo=UTC).isoformat()  # type: ignore[no-any-return]
