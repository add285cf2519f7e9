"""What one column looks like: a value per kind of column, mergeable whatever the order and the sharding."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data.batch import ColumnBatch
from trimtab.data.levels import LevelCounts, LevelTally
from trimtab.data.moments import Moments
from trimtab.data.number_tally import NumberTally
from trimtab.data.sketch import Floats, ValueSketch
from trimtab.errors import DataError

QUANTILE_BINS = 10
TOP_LEVELS = 30
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
    sketch: ValueSketch = field(default_factory=ValueSketch)

    @classmethod
    def of(cls, column: pa.Array) -> Self:
        """The profile of an integer or floating-point array."""
        tally = NumberColumn()
        tally.add(ColumnBatch(column))
        found = tally.profile()
        return cls(found.rows, found.missing, found.infinite, found.moments, found.sketch)

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
        edges = self.sketch.quantiles(np.linspace(0, 1, QUANTILE_BINS + 1))
        return np.clip(edges, self.moments.minimum, self.moments.maximum) if len(edges) else edges

    def summary(self) -> dict[str, Any]:
        """The figures people read, derived from the state."""
        edges = self.edges
        return {
            "distinct": self.sketch.distinct,
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
        """The profile of a text, boolean, number or dictionary array."""
        tally = CategoryColumn()
        tally.add(ColumnBatch(column))
        found = tally.profile()
        return cls(found.rows, found.missing, found.levels)

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


class NumberColumn:
    """A column of numbers that streams by."""

    def __init__(self) -> None:
        self._rows = self._missing = self._infinite = 0
        self._tally = NumberTally()

    def add(self, batch: ColumnBatch) -> None:
        """The next rows."""
        self._rows += len(batch)
        self._missing += batch.missing
        if batch.extremes is None:
            return
        values, extremes = batch.present, batch.extremes
        if values.dtype.kind == "f" and not (extremes[0] >= -LARGEST and extremes[1] <= LARGEST):  # NaN is neither
            values = self._usable(values)
            extremes = (values.min(), values.max()) if len(values) else (0.0, 0.0)
        if len(values):
            self._tally.add(values, extremes)

    def _usable(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Numbers whose squares are finite; the others are counted."""
        usable: npt.NDArray[Any] = values[np.abs(values) <= LARGEST]
        nans = int(np.isnan(values).sum())
        self._missing += nans
        self._infinite += len(values) - len(usable) - nans
        return usable

    def profile(self) -> NumberProfile:
        """Of all rows so far."""
        return NumberProfile(self._rows, self._missing, self._infinite, self._tally.moments, self._tally.sketch)


class CategoryColumn:
    """A column of levels that streams by."""

    def __init__(self) -> None:
        self._rows = self._missing = 0
        self._tally = LevelTally()

    def add(self, batch: ColumnBatch) -> None:
        """The next rows."""
        self._rows += len(batch)
        self._missing += batch.missing
        self._tally.add(*batch.levels)

    def profile(self) -> CategoryProfile:
        """Of all rows so far."""
        return CategoryProfile(self._rows, self._missing, self._tally.counts)


class TimeColumn:
    """A column of instants that streams by."""

    def __init__(self) -> None:
        self._found = TimeProfile()

    def add(self, batch: ColumnBatch) -> None:
        """The next rows."""
        first, last = batch.extremes or (None, None)
        known = first is not None and last is not None
        times = (int(first), int(last)) if known else (None, None)  # type: ignore[arg-type]
        self._found = self._found.merge(TimeProfile(len(batch), batch.missing, *times))

    def profile(self) -> TimeProfile:
        """Of all rows so far."""
        return self._found


ColumnTally = NumberColumn | CategoryColumn | TimeColumn

TALLIES: Final[dict[str, Callable[[], ColumnTally]]] = {
    "number": NumberColumn,
    "category": CategoryColumn,
    "time": TimeColumn,
}
"""How the columns of each kind are counted."""
KINDS: Final[dict[str, type[NumberProfile] | type[CategoryProfile] | type[TimeProfile]]] = {
    kind.kind: kind for kind in (NumberProfile, CategoryProfile, TimeProfile)
}


def merge_columns(name: str, left: ColumnProfile, right: ColumnProfile) -> ColumnProfile:
    """Two profiles of one column as one. Raises DataError when they are of different kinds."""
    if isinstance(left, NumberProfile) and isinstance(right, NumberProfile):
        return left.merge(right)
    if isinstance(left, CategoryProfile) and isinstance(right, CategoryProfile):
        return left.merge(right)
    if isinstance(left, TimeProfile) and isinstance(right, TimeProfile):
        return left.merge(right)
    raise DataError(f"column '{name}' is a {left.kind} in one profile and a {right.kind} in the other: profile again")
