"""A rule across the columns of one row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pyarrow as pa

from trimtab.data.checks.check import HasColumn, texts
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.conditions import holds
from trimtab.data.contract import RowRule
from trimtab.data.state_file import Tree
from trimtab.data.tally import Tally
from trimtab.data.violation import Severity, Violation


class ConditionCheck:
    """Rows in which the condition is false; where a missing value leaves it unknown, it is not broken."""

    def __init__(self, rule: RowRule) -> None:
        self._rule = rule
        self.columns = tuple(dict.fromkeys(rule.expression.columns.values()))
        self._tally = Tally("check", ", ".join(self.columns), rule.title)

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """The rows that break the rule, unless it only warns."""
        held = {name: texts(columns[name].column) for name in self.columns}
        kept = holds(self._rule.expression, held).fill_null(True)
        if kept.true_count == len(kept):
            return NO_ROWS
        broken = np.flatnonzero(~kept.to_numpy(zero_copy_only=False))
        self._tally.add(first_row, broken, _Cells(held))
        return broken if self._rule.severity is Severity.REFUSE else NO_ROWS

    def merge(self, other: ConditionCheck, rows_before: int) -> None:
        """The other's rows too."""
        self._tally.merge(other._tally, rows_before)

    def state(self) -> Tree:
        """The rows that broke the rule."""
        return self._tally.to_json()

    def take(self, state: Tree) -> None:
        """Only those rows."""
        self._tally.take(state)

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """One, when any row broke the rule."""
        found = self._tally
        if found.count:
            first = f"row {found.rows[0]:,} has {found.values[0]}"
            yield Violation(
                rule=found.rule,
                column=None,
                message=f"{found.count:,} of {rows:,} rows break '{found.limit}'; {first}",
                severity=Severity.WARN if tolerated else self._rule.severity,
                measured=found.count / rows,
                limit=found.limit,
                count=found.count,
                rows=tuple(found.rows),
                values=tuple(found.values),
            )


@dataclass(frozen=True)
class _Cells(Sequence[str]):
    """The rows of some columns, each as the text that a finding shows."""

    columns: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[str]: ...
    def __getitem__(self, place: Any) -> Any:
        return ", ".join(f"{name} = {column[place].as_py()}" for name, column in self.columns.items())
