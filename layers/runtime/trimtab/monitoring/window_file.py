"""The file of a window, written as its records come, and what is known of it when the last has come."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from trimtab.monitoring.records import EVENT, TIME
from trimtab.monitoring.windows import Served, ranked, rows_by_config, rows_by_version, with_versions
from trimtab.ports import ObjectStore

GROUP = 250_000
"""Rows of a row group at most: what a reader has to hold at once."""


@dataclass
class WindowFile:
    """Counts of the records that were written."""

    served: Sequence[Served]
    closed: datetime | None
    """Records up to this time come late: the windows of their time were collected before."""
    rows: int = 0
    late_rows: int = 0
    start: datetime | None = None
    end: datetime | None = None
    versions: dict[int, int] = field(default_factory=dict)
    configs: dict[int, int] = field(default_factory=dict)

    def write(self, objects: ObjectStore, uri: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
        """All records stand at ``uri`` as one Parquet file, in bounded memory, each with the version that answered."""
        with tempfile.TemporaryDirectory(prefix="window-") as scratch:
            path = Path(scratch, "window.parquet")
            with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=_repeating(schema)) as writer:
                for table in grouped(tables):
                    named = with_versions(table, self.served)
                    self._count(named)
                    writer.write_table(named, row_group_size=GROUP)
            objects.upload(uri, path)

    def _count(self, table: pa.Table) -> None:
        if not table.num_rows:
            return
        self.rows += table.num_rows
        extremes = pc.min_max(table.column(TIME))
        first, last = extremes["min"].as_py(), extremes["max"].as_py()
        self.start, self.end = min(first, self.start or first), max(last, self.end or last)
        _add(self.versions, rows_by_version(table))
        _add(self.configs, rows_by_config(table, self.served))
        if self.closed is not None:
            late = pc.less_equal(table.column(TIME), pa.scalar(self.closed, pa.timestamp("us", "UTC")))
            self.late_rows += pc.sum(late).as_py()

    def to_json(self, at: datetime) -> dict[str, Any]:
        """What the ledger says of the records; the run's own time for a window without any."""
        versions = ranked(self.versions)
        version = next(iter(versions), 0)
        return {
            "rows": self.rows,
            "start": (self.start or at).isoformat(),
            "end": (self.end or at).isoformat(),
            "version": version,
            "config": next((each.config for each in reversed(self.served) if each.version == version), ""),
            "versions": {str(each): rows for each, rows in versions.items()},
            "sampling": self._sampling(at),
        }

    def _sampling(self, at: datetime) -> dict[str, Any]:
        """Which share of the requests was captured, and how many records were scored if that share was kept."""
        shares = {self.served[place].config: self.served[place].percent for place in self.configs}
        scored = sum(rows * 100 / (self.served[place].percent or 100) for place, rows in self.configs.items())
        unknown = self.rows - sum(self.configs.values())
        in_force = [each.percent for each in self.served if each.since <= (self.end or at)]
        return {
            "percent": in_force[-1] if in_force else None,
            "by_config": shares,
            "scored_estimate": round(scored) + unknown,
        }


def _repeating(schema: pa.Schema) -> list[str]:
    """Columns worth a dictionary: ids of requests hardly repeat."""
    return [name for name in schema.names if name != EVENT and not pa.types.is_nested(schema.field(name).type)]


def grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables, of about a row group each."""
    held: list[pa.Table] = []
    for table in tables:
        held.append(table)
        if sum(each.num_rows for each in held) >= GROUP:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _add(total: dict[int, int], more: dict[int, int]) -> None:
    for key, count in more.items():
        total[key] = total.get(key, 0) + count
