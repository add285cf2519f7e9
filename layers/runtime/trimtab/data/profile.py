"""What a table looks like, column by column, small enough to store and exact enough to compare with.

A profile is a value: the profile of two sets of rows is the merge of their profiles, whatever the order and the
sharding. Numbers are profiled through a `ValueSketch` and `Moments`, categories through `LevelCounts`, times through
their extremes. A column counts as a category when it holds text or booleans or when its contract lists a domain.
"""

from __future__ import annotations  # a job reads profiles without pydantic, so the spec is imported for types only

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.levels import LevelCounts
from trimtab.data.moments import Moments
from trimtab.data.sketch import Floats, ValueSketch
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, DataSpec

VERSION = 1
QUANTILE_BINS = 10
TOP_LEVELS = 30
LEVEL_LENGTH = 100
"""Characters of a level that are kept; a longer one is told apart by a hash of its whole text."""
LARGEST = 1e150
"""Numbers beyond this, whose squares overflow, are counted with the infinite ones."""


@dataclass(frozen=True)
class NumberProfile:
    """A column of numbers. NaN counts as missing; infinite numbers are counted apart and left out of the rest."""

    kind: ClassVar[str] = "number"
    rows: int = 0
    missing: int = 0
    infinite: int = 0
    moments: Moments = field(default_factory=Moments)
    sketch: ValueSketch = field(default_factory=ValueSketch.empty)

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The profile of an integer or floating-point array."""
        present = column.drop_null().to_numpy(zero_copy_only=False)
        finite = _usable(present)
        nans = int(np.isnan(present).sum()) if present.dtype.kind == "f" else 0
        return cls(
            rows=len(column),
            missing=column.null_count + nans,
            infinite=len(present) - len(finite) - nans,
            moments=Moments.of(finite),
            sketch=ValueSketch.of(finite),
        )

    def merge(self, other: Self) -> Self:
        """The profile of both sets of rows together."""
        return type(self)(
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            moments=self.moments.merge(other.moments),
            sketch=self.sketch.merge(other.sketch),
        )

    @property
    def edges(self) -> Floats:
        """The 11 edges of 10 quantile bins, rising, in the column's unit; empty for a column without numbers."""
        return self.sketch.quantiles(np.linspace(0, 1, QUANTILE_BINS + 1))

    def summary(self) -> dict[str, Any]:
        """The figures people read, derived from the state."""
        edges = self.edges
        return {
            "distinct": len(self.sketch.keys),
            "distinct_is_exact": self.sketch.exact,
            "standard_deviation": self.moments.standard_deviation,
            "edges": edges.tolist(),
            "histogram": self.sketch.histogram(edges[1:-1]).tolist() if len(edges) else [],
            "top": self._top(),
        }

    def _top(self) -> list[list[float]]:
        if not self.sketch.exact:
            return []
        order = np.argsort(-self.sketch.counts, kind="stable")[:TOP_LEVELS]
        return [[float(self.sketch.values[i]), int(self.sketch.counts[i])] for i in order]

    def to_json(self) -> dict[str, Any]:
        """State and summary as JSON values."""
        state = {"infinite": self.infinite, "moments": self.moments.to_json(), "sketch": self.sketch.to_json()}
        return {"kind": self.kind, "rows": self.rows, "missing": self.missing, **state, "summary": self.summary()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The profile that ``to_json`` wrote."""
        return cls(
            rows=document["rows"],
            missing=document["missing"],
            infinite=document["infinite"],
            moments=Moments.from_json(document["moments"]),
            sketch=ValueSketch.from_json(document["sketch"]),
        )


@dataclass(frozen=True)
class CategoryProfile:
    """A column of levels; a boolean's levels are ``true`` and ``false``, an integer's its digits."""

    kind: ClassVar[str] = "category"
    rows: int = 0
    missing: int = 0
    levels: LevelCounts = field(default_factory=lambda: LevelCounts.of({}))

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The profile of a text, boolean, integer or dictionary array."""
        return cls(rows=len(column), missing=column.null_count, levels=LevelCounts.of(_tally(column)))

    def merge(self, other: Self) -> Self:
        """The profile of both sets of rows together."""
        return type(self)(self.rows + other.rows, self.missing + other.missing, self.levels.merge(other.levels))

    def summary(self) -> dict[str, Any]:
        """The figures people read, derived from the state."""
        top = [list(item) for item in self.levels.top(TOP_LEVELS)]
        return {"distinct": self.levels.distinct, "distinct_is_exact": self.levels.exact, "top": top}

    def to_json(self) -> dict[str, Any]:
        """State and summary as JSON values."""
        state = {"rows": self.rows, "missing": self.missing, "levels": self.levels.to_json()}
        return {"kind": self.kind, **state, "summary": self.summary()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The profile that ``to_json`` wrote."""
        return cls(document["rows"], document["missing"], LevelCounts.from_json(document["levels"]))


@dataclass(frozen=True)
class TimeProfile:
    """A column of instants; ``first`` and ``last`` are microseconds since 1970 in UTC, None without any."""

    kind: ClassVar[str] = "time"
    rows: int = 0
    missing: int = 0
    first: int | None = None
    last: int | None = None

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The profile of a timestamp array of microseconds."""
        extremes = pc.min_max(column.cast(pa.int64()))
        return cls(len(column), column.null_count, extremes["min"].as_py(), extremes["max"].as_py())

    def merge(self, other: Self) -> Self:
        """The profile of both sets of rows together."""
        known = [time for time in (self.first, self.last, other.first, other.last) if time is not None]
        first, last = (min(known), max(known)) if known else (None, None)
        return type(self)(self.rows + other.rows, self.missing + other.missing, first, last)

    def to_json(self) -> dict[str, Any]:
        """State as JSON values."""
        state = {"rows": self.rows, "missing": self.missing, "first": self.first, "last": self.last}
        return {"kind": self.kind, **state}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The profile that ``to_json`` wrote."""
        return cls(document["rows"], document["missing"], document["first"], document["last"])


ColumnProfile = NumberProfile | CategoryProfile | TimeProfile

_KINDS: dict[str, type[NumberProfile] | type[CategoryProfile] | type[TimeProfile]] = {
    kind.kind: kind for kind in (NumberProfile, CategoryProfile, TimeProfile)
}


@dataclass(frozen=True)
class Profile:
    """The profile of a set of rows; a column that a shard lacks is merged as if the shard did not exist for it."""

    rows: int = 0
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)

    def merge(self, other: Self) -> Self:
        """The profile of both sets of rows together."""
        columns = dict(self.columns)
        for name, column in other.columns.items():
            columns[name] = merge_columns(name, columns[name], column) if name in columns else column
        return type(self)(self.rows + other.rows, columns)

    def to_json(self) -> dict[str, Any]:
        """The profile as JSON values."""
        columns = {name: column.to_json() for name, column in self.columns.items()}
        return {"version": VERSION, "rows": self.rows, "columns": columns}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The profile that ``to_json`` wrote. Raises DataError for a version this code does not know."""
        if document.get("version") != VERSION:
            raise DataError(f"profile has version {document.get('version')}, this code reads {VERSION}: profile again")
        columns = {name: _KINDS[column["kind"]].from_json(column) for name, column in document["columns"].items()}
        return cls(document["rows"], columns)

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


def kind_of(column: Column) -> type[NumberProfile] | type[CategoryProfile] | type[TimeProfile]:
    """How a column is profiled."""
    if column.type == "timestamp":
        return TimeProfile
    is_category = column.type in ("string", "boolean") or column.domain is not None
    return CategoryProfile if is_category else NumberProfile


def profile_table(table: pa.Table | pa.RecordBatch, columns: Mapping[str, Column]) -> Profile:
    """The profile of the named columns of a table whose types are the contract's; absent columns are left out."""
    batches = [table] if isinstance(table, pa.RecordBatch) else table.to_batches()
    return profile_batches(batches, columns)


def profile_batches(batches: Iterable[pa.RecordBatch], columns: Mapping[str, Column]) -> Profile:
    """The profile of record batches, read once, one at a time in memory."""
    whole = Profile(0, {})
    for batch in batches:
        present = {name: column for name, column in columns.items() if name in batch.schema.names}
        profiled = {name: kind_of(column).of(batch.column(name)) for name, column in present.items()}
        whole = whole.merge(Profile(batch.num_rows, profiled))
    return whole


def merge_columns(name: str, left: ColumnProfile, right: ColumnProfile) -> ColumnProfile:
    """Two profiles of one column as one. Raises DataError when they are of different kinds."""
    if isinstance(left, NumberProfile) and isinstance(right, NumberProfile):
        return left.merge(right)
    if isinstance(left, CategoryProfile) and isinstance(right, CategoryProfile):
        return left.merge(right)
    if isinstance(left, TimeProfile) and isinstance(right, TimeProfile):
        return left.merge(right)
    raise DataError(f"column '{name}' is a {left.kind} in one profile and a {right.kind} in the other: profile again")


def _usable(numbers: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if numbers.dtype.kind != "f":
        return numbers
    usable = np.abs(numbers) <= LARGEST
    return numbers if usable.all() else numbers[usable]


def _tally(column: pa.Array) -> dict[str, int]:
    counts: dict[str, int] = {}
    for pair in pc.value_counts(column.drop_null()).to_pylist():
        level = _level(pair["values"])
        counts[level] = counts.get(level, 0) + pair["counts"]
    return counts


def _level(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if len(text) <= LEVEL_LENGTH:
        return text
    return f"{text[:LEVEL_LENGTH]}…{blake2b(text.encode(), digest_size=8).hexdigest()}"
