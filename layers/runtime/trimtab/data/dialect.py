"""How a CSV file separates and quotes its cells and writes its numbers, told by its head and the contract's names.

The delimiter and quote are those under which the header names most of the contract's columns; where none names any,
those that cut the rows most evenly. A decimal comma is believed when a number column has a cell such as 1,5 or 0,25
that cannot be thousands, and none with a point. What cannot be told apart (1,234) is left to the
gate, which refuses it.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from trimtab.data.reading import Declared, Dialect
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, TextOptions

DELIMITERS: Final = (",", ";", "\t", "|")
QUOTES: Final = ('"', "'")
_SAMPLE_ROWS: Final = 200
_COMMA: Final = re.compile(r"\s*[+-]?(?:\d*,(?:\d{1,2}|\d{4,})|0,\d+|\d{4,},\d+)\s*")
_POINT: Final = re.compile(r"\s*[+-]?\d*\.\d+(?:[eE][+-]?\d+)?\s*")
_NUMBER: Final = re.compile(r"\s*[+-]?(?:\d+[.,]?\d*|[.,]\d+)\s*|\s*\d{4}-\d\d-\d\d\b.*")


@dataclass(frozen=True)
class Header:
    """The names in the first row, and how the file is written."""

    names: tuple[str, ...]
    dialect: Dialect


def read_header(head: str, columns: dict[str, Column], declared: Declared | TextOptions) -> Header:
    """The header and dialect of the CSV file that begins with ``head``. Raises DataError when there is no header."""
    tried = [_Cut.of(head, delimiter, quote) for delimiter, quote in _candidates(declared)]
    best = max(tried, key=lambda cut: cut.fitness(columns))
    if not best.names:
        raise DataError("the CSV file has no header row: its first row must name the columns", rule="header")
    if not best.known(columns) and any(_NUMBER.fullmatch(name) for name in best.names):
        shown = ", ".join(best.names)[:80]
        raise DataError(
            f"the first row must name the columns, and it looks like data: {shown!r}. Add a header row", rule="header"
        )
    decimal = declared.decimal or best.decimal(columns)
    return Header(tuple(best.names), Dialect(best.delimiter, best.quote, decimal))


def _candidates(declared: Declared | TextOptions) -> Iterable[tuple[str, str]]:
    delimiters = (declared.delimiter,) if declared.delimiter else DELIMITERS
    quotes = (declared.quote,) if declared.quote else QUOTES
    return [(delimiter, quote) for delimiter in delimiters for quote in quotes]


@dataclass(frozen=True)
class _Cut:
    """The head of a file, cut into cells in one way."""

    delimiter: str
    quote: str
    rows: Sequence[Sequence[str]]

    @classmethod
    def of(cls, head: str, delimiter: str, quote: str) -> _Cut:
        reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, quotechar=quote)
        rows: list[list[str]] = []
        with contextlib.suppress(csv.Error):  # a cell without end: what came before it still tells
            rows.extend(row for row in islice(reader, _SAMPLE_ROWS) if row)
        return cls(delimiter, quote, rows)

    @property
    def names(self) -> Sequence[str]:
        return self.rows[0] if self.rows else ()

    def known(self, columns: Collection[str]) -> int:
        return len(set(self.names) & set(columns))

    def fitness(self, columns: Collection[str]) -> tuple[int, bool, float]:
        """Contract columns that the header names; whether there is more than one cell; share of rows as long as it."""
        even = sum(len(row) == len(self.names) for row in self.rows) / max(len(self.rows), 1)
        return self.known(columns), len(self.names) > 1, round(even, 1)

    def decimal(self, columns: dict[str, Column]) -> str:
        numbers = [place for place, name in enumerate(self.names) if name in columns and columns[name].type == "number"]
        cells = [row[place] for row in self.rows[1:] for place in numbers if place < len(row)]
        has_comma = any(_COMMA.fullmatch(cell) for cell in cells)
        return "," if has_comma and not any(_POINT.fullmatch(cell) for cell in cells) else "."
