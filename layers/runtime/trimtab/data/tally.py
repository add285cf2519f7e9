"""How often a rule was broken, and the first ten times."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from trimtab.data.coerce import Rows
from trimtab.data.violation import SHOWN, shown


@dataclass
class Tally:
    """One rule of one column (or of several). Rows are counted from 1."""

    rule: str
    column: str
    limit: str
    count: int = 0
    rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)

    def add(
        self,
        first_row: int,
        broken: Rows,
        raw: pa.Array | Sequence[Any],
        show: Callable[[object], str] = shown,
    ) -> None:
        """More offending rows, as indices into the batch ``raw`` that starts at ``first_row``."""
        self.count += len(broken)
        for index in broken[: max(SHOWN - len(self.rows), 0)].tolist():
            self.rows.append(first_row + index)
            self.values.append(show(_plain(raw[index])))

    def merge(self, other: Tally, rows_before: int) -> None:
        """The other's rows too, which come after ``rows_before`` rows."""
        room = max(SHOWN - len(self.rows), 0)
        self.count += other.count
        self.rows += [rows_before + row for row in other.rows[:room]]
        self.values += other.values[:room]

    def to_json(self) -> dict[str, Any]:
        """What was counted, as JSON values; the rule itself is the contract's."""
        return {"count": self.count, "rows": self.rows, "values": self.values}

    def take(self, counted: Mapping[str, Any]) -> None:
        """Only what ``to_json`` gave has been counted."""
        self.count, self.rows, self.values = counted["count"], list(counted["rows"]), list(counted["values"])


def _plain(value: Any) -> Any:
    """What stands there, as Python has it; what Python cannot hold as a number (the year 100,000) or as bytes."""
    if not isinstance(value, pa.Scalar):
        return value
    try:
        return value.as_py()
    except UnicodeDecodeError:
        return value.cast(pa.binary()).as_py()
    except (OverflowError, ValueError):
        return value.value
