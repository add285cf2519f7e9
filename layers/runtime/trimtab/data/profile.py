"""What a table looks like, column by column, small enough to store and exact enough to compare with.

A profile is a value: the profile of two sets of rows is the merge of their profiles, whatever the order and the
sharding. Numbers are profiled through a `ValueSketch` and `Moments`, categories through `LevelCounts`, times through
their extremes. A column counts as a category when it holds text or booleans or when its contract lists a domain.
"""

from __future__ import annotations  # a job reads profiles without pydantic, so the spec is imported for types only

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from trimtab.data.batch import ColumnBatch
from trimtab.data.column_profile import (
    KINDS,
    TALLIES,
    TOP_LEVELS,
    CategoryProfile,
    ColumnProfile,
    ColumnTally,
    NumberProfile,
    TimeProfile,
    merge_columns,
)
from trimtab.data.row_sample import RowSample, SampleTally
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, DataSpec

VERSION = 2

__all__ = [
    "TOP_LEVELS",
    "VERSION",
    "CategoryProfile",
    "ColumnProfile",
    "ColumnTally",
    "NumberProfile",
    "Profile",
    "TimeProfile",
    "profile_batches",
    "profile_table",
    "profiled_columns",
    "tally_of",
]


@dataclass(frozen=True)
class Profile:
    """The profile of a set of rows; a column that a shard lacks is merged as if the shard did not exist for it."""

    rows: int = 0
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)
    sample: RowSample = field(default_factory=RowSample, compare=False)
    """Some whole rows, for what no single column shows; empty when the rows have no id."""

    def merge(self, other: Self) -> Self:
        """The profile of both sets of rows together."""
        columns = dict(self.columns)
        for name, column in other.columns.items():
            columns[name] = merge_columns(name, columns[name], column) if name in columns else column
        return type(self)(self.rows + other.rows, columns, self.sample.merge(other.sample))

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON values."""
        columns = {name: column.to_json() for name, column in self.columns.items()}
        return {"version": VERSION, "rows": self.rows, "columns": columns, "sample": self.sample.to_json()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The profile that ``to_json`` wrote. Raises DataError for a version this code does not know."""
        if document.get("version") != VERSION:
            raise DataError(f"profile has version {document.get('version')}, this code reads {VERSION}: profile again")
        columns = {name: KINDS[column["kind"]].from_json(column) for name, column in document["columns"].items()}
        return cls(document["rows"], columns, RowSample.from_json(document["sample"]))

    def dumps(self) -> bytes:
        """The profile as the bytes of a JSON file."""
        return json.dumps(self.to_json(), separators=(",", ":"), allow_nan=False).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """The profile that ``dumps`` wrote."""
        return cls.from_json(json.loads(body))


def profiled_columns(data: DataSpec) -> dict[str, Column]:
    """Columns of a contract that a profile covers: features, label and event time, never keys."""
    names = {*data.features, data.label, data.event_time}
    return {name: column for name, column in data.columns.items() if name in names}


def tally_of(column: Column) -> ColumnTally:
    """What counts a column of the contract."""
    if column.type == "timestamp":
        return TALLIES["time"]()
    is_category = column.type in ("string", "boolean") or column.domain is not None
    return TALLIES["category" if is_category else "number"]()


def profile_table(table: pa.Table | pa.RecordBatch, columns: Mapping[str, Column], id: str | None = None) -> Profile:
    """The profile of the named columns of a table whose types are the contract's; absent columns are left out.

    Rows are sampled by the column ``id``, if the table has it.
    """
    batches = [table] if isinstance(table, pa.RecordBatch) else table.to_batches()
    return profile_batches(batches, columns, id)


def profile_batches(batches: Iterable[pa.RecordBatch], columns: Mapping[str, Column], id: str | None = None) -> Profile:
    """The profile of record batches, read once, one at a time in memory."""
    rows, tallies, sampled = 0, dict[str, ColumnTally](), SampleTally(tuple(columns))
    for batch in batches:
        rows += batch.num_rows
        held = {name: ColumnBatch(batch.column(name)) for name in columns if name in batch.schema.names}
        for name, column in held.items():
            tallies.setdefault(name, tally_of(columns[name])).add(column)
        if id in batch.schema.names and batch.num_rows:
            sampled.add(ColumnBatch(batch.column(id)), held)
    return Profile(rows, {name: tallies[name].profile() for name in columns if name in tallies}, sampled.sample)
