"""One pass over the rows of a drop: every rule checked and every column profiled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from trimtab.data.batch import ColumnBatch, sorted_counts
from trimtab.data.checks import Check
from trimtab.data.coerce import Rows, coerce
from trimtab.data.contract import Contract
from trimtab.data.profile import ColumnTally, Profile, TimeProfile, tally_of
from trimtab.data.row_sample import SampleTally
from trimtab.data.rules import ValueRule, value_rules
from trimtab.data.source import Chunk
from trimtab.data.state_file import Tree
from trimtab.data.tally import Tally
from trimtab.data.uniqueness import UniqueValues

if TYPE_CHECKING:
    from trimtab.spec import Column


class ColumnScan:
    """What one column of the contract has shown so far."""

    def __init__(self, name: str, column: Column, contract: Contract) -> None:
        self.name, self.column = name, column
        self.conflict: str | None = None
        self.present = 0
        self._type_tally = Tally("type", name, column.type.value)
        self._rules: list[tuple[ValueRule, Tally]] = [
            (rule, Tally(rule.name, name, rule.limit)) for rule in value_rules(name, column, contract)
        ]
        self.unique = UniqueValues() if column.unique else None

    @property
    def tallies(self) -> list[Tally]:
        """The rules that were broken at least once."""
        return [tally for tally in (self._type_tally, *(tally for _, tally in self._rules)) if tally.count]

    def add(self, first_row: int, raw: pa.Array | list[Any], *, text: bool) -> tuple[ColumnBatch, list[Rows]]:
        """The batch in the contract's type, and the rows that break each rule."""
        coerced = coerce(raw, self.column.type, text=text)
        batch = coerced.batch
        self.conflict = self.conflict or coerced.conflict
        if self.conflict:
            return batch, []
        self.present += len(batch) - batch.missing
        broken = self._broken(first_row, raw, coerced.bad, batch)
        if self.unique is not None:
            self.unique.add(batch)
        return batch, broken

    def _broken(self, first_row: int, raw: pa.Array | list[Any], bad: Rows, batch: ColumnBatch) -> list[Rows]:
        if len(bad):
            self._type_tally.add(first_row, bad, raw)
        found = [] if "type" in self.column.warn else [bad]
        for rule, tally in self._rules:
            if not rule.suspects(batch):
                continue
            rows = rule.broken(batch.column)
            if rule.name == "not_null" and len(bad):  # a bad value was nulled and is counted once, as bad
                rows = rows[~np.isin(rows, bad)]
            if len(rows):
                tally.add(first_row, rows, raw)
            if rule.name not in self.column.warn:
                found.append(rows)
        return found

    def state(self) -> Tree:
        """What was seen, for a file."""
        return {
            "conflict": self.conflict,
            "present": self.present,
            "type": self._type_tally.to_json(),
            "rules": [tally.to_json() for _, tally in self._rules],
            "unique": self.unique.state() if self.unique else None,
        }

    def take(self, state: Tree) -> None:
        """Only what the ``state`` says has been seen."""
        self.conflict, self.present = state["conflict"], state["present"]
        self._type_tally.take(state["type"])
        for (_, tally), counted in zip(self._rules, state["rules"], strict=True):
            tally.take(counted)
        if self.unique is not None:
            self.unique.take(state["unique"])

    def merge(self, other: ColumnScan, rows_before: int) -> None:
        """What the other has seen too, in rows that come after ``rows_before``."""
        self.conflict = self.conflict or other.conflict
        self.present += other.present
        self._type_tally.merge(other._type_tally, rows_before)
        for (_, tally), (_, others) in zip(self._rules, other._rules, strict=True):
            tally.merge(others, rows_before)
        if self.unique is not None and other.unique is not None:
            self.unique.merge(other.unique)


class Scan:
    """All columns of a drop in one pass; memory does not grow with the rows but for unique columns (8 bytes a row)."""

    def __init__(
        self, contract: Contract, profiled: Iterable[str], *, text: bool, watchers: Sequence[Check] = ()
    ) -> None:
        self._text, self.watchers = text, watchers
        self.columns = {name: ColumnScan(name, column, contract) for name, column in contract.columns.items()}
        self._tallies: dict[str, ColumnTally] = {
            name: tally_of(contract.columns[name]) for name in profiled if name in contract.columns
        }
        self._id, self._sampled = contract.id, SampleTally(tuple(self._tallies))
        self._merged = Profile()
        self.rows = 0
        self.rows_in_violation = 0

    def add(self, chunk: Chunk) -> None:
        """The next rows."""
        broken: list[Rows] = []
        held: dict[str, ColumnBatch] = {}
        for name, raw in chunk.columns.items():
            batch, rows = self.columns[name].add(chunk.first_row, raw, text=self._text)
            broken += [found for found in rows if len(found)]
            if self.columns[name].conflict:
                continue
            if name in self._tallies:
                self._tallies[name].add(batch)
            held[name] = batch if name == self._id else batch.bare()
        if self._id in held and len(held[self._id]):
            self._sampled.add(held[self._id], held)
        broken += [check.add(chunk.first_row, held) for check in self.watchers if held.keys() >= set(check.columns)]
        self.rows += chunk.rows
        self.rows_in_violation += len(sorted_counts(np.concatenate(broken))[0]) if broken else 0

    def state(self) -> Tree:
        """What was seen, for a file."""
        return {
            "rows": self.rows,
            "rows_in_violation": self.rows_in_violation,
            "columns": {name: column.state() for name, column in self.columns.items()},
            "watchers": [check.state() for check in self.watchers],
            "profile": self.profile(self._tallies).to_json(),
        }

    def take(self, state: Tree) -> None:
        """Only what the ``state`` of a scan for the same contract says has been seen."""
        self.rows, self.rows_in_violation = state["rows"], state["rows_in_violation"]
        for name, column in self.columns.items():
            column.take(state["columns"][name])
        for check, kept in zip(self.watchers, state["watchers"], strict=True):
            check.take(kept)
        self._merged = Profile.from_json(state["profile"])

    def merge(self, other: Scan) -> None:
        """The other's rows too, which come after the rows so far."""
        for name, column in other.columns.items():
            self.columns[name].merge(column, self.rows)
        for check, others in zip(self.watchers, other.watchers, strict=True):
            check.merge(others, self.rows)
        self._merged = self._merged.merge(other.profile(other._tallies))
        self.rows += other.rows
        self.rows_in_violation += other.rows_in_violation

    def profile(self, names: Iterable[str]) -> Profile:
        """The profile of the named columns among those profiled and seen."""
        own = {name: self._tallies[name].profile() for name in names if name in self._tallies}
        seen = {name: column for name, column in own.items() if column.rows}
        whole = Profile(0, seen, self._sampled.sample).merge(self._merged)
        return Profile(self.rows, {name: whole.columns[name] for name in own if name in whole.columns}, whole.sample)

    def times(self, name: str | None) -> TimeProfile | None:
        """The profile of a column of times; None when there is none."""
        tally = self._tallies.get(name or "")
        found = tally.profile() if tally else None
        if not isinstance(found, TimeProfile):
            return None
        other = self._merged.columns.get(name or "")
        return found.merge(other) if isinstance(other, TimeProfile) else found
