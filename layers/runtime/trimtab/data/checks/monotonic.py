"""Values that never go back in the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from trimtab.data.checks.check import HasColumn
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.state_file import Tree
from trimtab.data.tally import Tally
from trimtab.data.violation import Severity, Violation


class MonotonicCheck:
    """Rows whose value is smaller (or equal, when strictly) than the one before it; missing values are passed over.

    It is a rule on the order of rows, so its rows do not count among those that break a rule by themselves.
    """

    def __init__(self, column: str, severity: Severity, *, strictly: bool) -> None:
        self.columns: tuple[str, ...] = (column,)
        self._severity, self._strictly = severity, strictly
        self._tally = Tally("monotonic", column, "strictly increasing" if strictly else "increasing")
        self._first: tuple[int, Any, Any] | None = None
        """Row, value and Arrow scalar of the first value."""
        self._last: Any = None

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """No row is broken by itself."""
        column = columns[self.columns[0]].column
        places = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        if not len(places):
            return NO_ROWS
        present = column.drop_null() if column.null_count else column
        values = _comparable(present)
        if self._last is not None and self._breaks(self._last, values[0]):
            self._tally.add(first_row, places[:1], column)
        broken = self._breaks(values[:-1], values[1:])
        self._tally.add(first_row, places[1:][broken], column)
        if self._first is None:
            self._first = (first_row + int(places[0]), values[0], present[0].as_py())
        self._last = values[-1]
        return NO_ROWS

    def _breaks(self, before: Any, after: Any) -> Any:
        return after <= before if self._strictly else after < before

    def merge(self, other: MonotonicCheck, rows_before: int) -> None:
        """The other's rows too; its first value comes after this one's last."""
        if other._first is None:
            return
        row, value, text = other._first
        if self._last is not None and self._breaks(self._last, value):
            self._tally.add(rows_before + row, np.zeros(1, np.int64), [text])
        self._tally.merge(other._tally, rows_before)
        self._first = self._first or (rows_before + row, value, text)
        self._last = other._last

    def state(self) -> Tree:
        """The rows that went back, the first value with its row, and the last."""
        row, value, text = self._first or (0, None, None)
        return {
            "tally": self._tally.to_json(),
            "row": row,
            "text": str(text),
            "ends": [_plain(value), _plain(self._last)],
        }

    def take(self, state: Tree) -> None:
        """Only those."""
        self._tally.take(state["tally"])
        first, self._last = state["ends"]
        self._first = None if first is None else (state["row"], first, state["text"])

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """One, when any value went back."""
        found = self._tally
        if found.count:
            how = "not above" if self._strictly else "below"
            message = (
                f"{found.count:,} values of '{found.column}' are {how} the one before; "
                f"row {found.rows[0]:,} has '{found.values[0]}'"
            )
            yield Violation(
                found.rule,
                found.column,
                message,
                self._severity,
                measured=found.count,
                limit=found.limit,
                count=found.count,
                rows=tuple(found.rows),
                values=tuple(found.values),
            )


def _comparable(present: pa.Array) -> Any:
    if pa.types.is_timestamp(present.type):
        present = present.cast(pa.int64())
    return present.to_numpy(zero_copy_only=False)


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    return value.item() if isinstance(value, np.generic) else value
