"""The hold-out as columns for arithmetic and as records for serving."""

from collections.abc import Iterator, Sequence
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
from trimtab.evaluation.request_lines import lines, plain

Record = dict[str, Any]
RECORDS_AT_ONCE = 10_000


@dataclass(frozen=True)
class Rows:
    """A labelled set of rows under a spec's data section."""

    table: pa.Table
    label_column: str
    event_time: str | None

    @classmethod
    def read(cls, folder: Path, data: dict[str, Any], newest: int | None = None) -> "Rows":
        """The Parquet files of a dataset's prefix, or at least the ``newest`` rows when they have so many.

        Raises DataError when there are none.
        """
        files = sorted(folder.glob("*.parquet"))
        if not files:
            raise DataError(f"no Parquet file in {folder}: is the job's input set to the dataset's prefix?")
        table = pa.concat_tables(map(pq.read_table, files)) if newest is None else _newest(files, newest)
        return cls(table, data["label"], data["event_time"])

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def label(self) -> Floats:
        """A binary or numeric label as numbers, shape (n,)."""
        return self.column(self.label_column).astype(np.float64)

    def column(self, name: str) -> NDArray[Any]:
        """Shape (n,); text keeps None for a missing value, numbers have NaN. Equal texts are one object."""
        column = self.table.column(name)
        if not pa.types.is_string(column.type) or not len(column):
            return np.asarray(column.to_numpy())
        encoded = column.combine_chunks().dictionary_encode()
        values = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
        places = encoded.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
        return np.asarray(values[places])

    @cached_property
    def times(self) -> NDArray[np.datetime64] | None:
        """Event times in UTC, shape (n,), None without an event time."""
        return None if self.event_time is None else self.column(self.event_time).astype("datetime64[us]")

    @property
    def period(self) -> dict[str, str] | None:
        """First and last event time, ISO 8601."""
        return self.period_of(slice(None)) if self.times is not None and len(self) else None

    def period_of(self, rows: NDArray[np.intp] | slice) -> dict[str, str]:
        """The same of some rows of a set that has an event time."""
        assert self.times is not None, "asked of rows with an event time"
        found = self.times[rows]
        return {"start": _iso(found.min()), "end": _iso(found.max())}

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

    def blocks(self, names: Sequence[str]) -> Iterator[list[str]]:
        """The same of all rows as lines of JSON, some thousand a time."""
        chosen = self.table.select(list(dict.fromkeys(names)))
        for start in range(0, len(self), RECORDS_AT_ONCE):
            yield lines(chosen.slice(start, RECORDS_AT_ONCE))


def _newest(files: Sequence[Path], rows: int) -> pa.Table:
    """The last row groups of the last files that hold ``rows`` rows, cut to these."""
    parts: list[pa.Table] = []
    for file in reversed(files):
        opened = pq.ParquetFile(file)
        for group in reversed(range(opened.num_row_groups)):
            if sum(part.num_rows for part in parts) >= rows:
                break
            parts.append(opened.read_row_group(group))
    table = pa.concat_tables(reversed(parts)) if parts else pq.read_table(files[-1])
    return table.slice(max(0, table.num_rows - rows))


def _iso(moment: np.datetime64) -> str:
    return moment.astype(datetime).replace(tzinfo=UTC).isoformat()  # type: ignore[no-any-return]
