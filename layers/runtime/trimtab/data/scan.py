"""One pass over the rows of a drop: every rule checked and every column profiled."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.data.coerce import Coerced, Rows, coerce
from trimtab.data.contract import Contract
from trimtab.data.profile import ColumnProfile, Profile, TimeProfile, kind_of, merge_columns
from trimtab.data.rules import ValueRule, value_rules
from trimtab.data.source import Chunk
from trimtab.data.uniqueness import UniqueValues
from trimtab.data.violation import SHOWN, shown
from trimtab.spec import Column


@dataclass
class Tally:
    """How often one rule was broken, and the first ten times. Rows are counted from 1."""

    rule: str
    column: str
    limit: str
    count: int = 0
    rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def add(self, first_row: int, broken: Rows, raw: pa.Array | list[Any]) -> None:
        """More offending rows, as indices into the batch ``raw`` that starts at ``first_row``."""
        self.count += len(broken)
        for index in broken[: SHOWN - len(self.rows)].tolist():
            self.rows.append(first_row + index)
            self.values.append(shown(_plain(raw[index])))


class ColumnScan:
    """What one column of the contract has shown so far."""

    def __init__(self, name: str, column: Column) -> None:
        self.name, self.column = name, column
        self.conflict: str | None = None
        self.present = 0
        self._type_tally = Tally("type", name, column.type.value)
        self._rules: list[tuple[ValueRule, Tally]] = [
            (rule, Tally(rule.name, name, rule.limit)) for rule in value_rules(name, column)
        ]
        self.unique = UniqueValues() if column.unique else None

    @property
    def tallies(self) -> list[Tally]:
        """The rules that were broken at least once."""
        return [tally for tally in (self._type_tally, *(tally for _, tally in self._rules)) if tally.count]

    def add(self, first_row: int, raw: pa.Array | list[Any], *, text: bool) -> tuple[Coerced, list[Rows]]:
        """The batch in the contract's type, and the rows that break each rule."""
        coerced = coerce(raw, self.column.type, text=text)
        self.conflict = self.conflict or coerced.conflict
        if self.conflict:
            return coerced, []
        self.present += len(raw) - coerced.column.null_count
        broken = self._broken(first_row, raw, coerced)
        if self.unique is not None:
            self.unique.add(coerced.column)
        return coerced, broken

    def _broken(self, first_row: int, raw: pa.Array | list[Any], coerced: Coerced) -> list[Rows]:
        self._type_tally.add(first_row, coerced.bad, raw)
        found = [coerced.bad]
        for rule, tally in self._rules:
            rows = rule.broken(coerced.column)
            if rule.name == "not_null" and len(coerced.bad):  # a bad value was nulled and is counted once, as bad
                rows = np.setdiff1d(rows, coerced.bad)
            if len(rows):
                tally.add(first_row, rows, raw)
            found.append(rows)
        return found


class Scan:
    """All columns of a drop in one pass; memory does not grow with the rows but for unique columns (9 bytes a row)."""

    def __init__(self, contract: Contract, profiled: Iterable[str], *, text: bool) -> None:
        self._text = text
        self.columns = {name: ColumnScan(name, column) for name, column in contract.columns.items()}
        self._profiled = frozenset(profiled)
        self._profiles: dict[str, ColumnProfile] = {}
        self.rows = 0
        self.rows_in_violation = 0

    def add(self, chunk: Chunk) -> None:
        """The next rows."""
        broken: list[Rows] = []
        for name, raw in chunk.columns.items():
            coerced, rows = self.columns[name].add(chunk.first_row, raw, text=self._text)
            broken += rows
            if name in self._profiled and not self.columns[name].conflict:
                self._profile(name, coerced.column)
        self.rows += chunk.rows
        self.rows_in_violation += len(np.unique(np.concatenate(broken))) if broken else 0

    def _profile(self, name: str, column: pa.Array) -> None:
        shard = kind_of(self.columns[name].column).of(column)
        known = self._profiles.get(name)
        self._profiles[name] = shard if known is None else merge_columns(name, known, shard)

    def profile(self, names: Iterable[str]) -> Profile:
        """The profile of the named columns among those profiled."""
        return Profile(self.rows, {name: self._profiles[name] for name in names if name in self._profiles})

    def times(self, name: str | None) -> TimeProfile | None:
        """The profile of a column of times; None when there is none."""
        found = self._profiles.get(name or "")
        return found if isinstance(found, TimeProfile) else None


def _plain(value: Any) -> Any:
    return value.as_py() if isinstance(value, pa.Scalar) else value
