"""Texts that look like personal data, or like a formula that a spreadsheet would run.

Looked at are text columns without domain and pattern: their shape nobody has written down. E-mail addresses, cards
(with Luhn's check digit) and account numbers (IBAN, with its check digits) are unmistakable and told from 1 % of the
values; phone and identity numbers, which other numbers resemble, from 20 %. Values are not shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.batch import arrow_integers
from trimtab.data.checks.check import HasColumn
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.state_file import Tree
from trimtab.data.tally import Tally
from trimtab.data.violation import Severity, Violation, shown

FORMULA: Final = "formula"


@dataclass(frozen=True)
class Shape:
    """A kind of text, and from which share of a column's values on it is told."""

    title: str
    pattern: str
    """RE2, the whole text."""
    share: float
    proof: Callable[[str], bool] | None = None
    """What the pattern cannot say, for example a check digit."""


def has_luhn_digit(text: str) -> bool:
    """Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B)."""
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(doubled) + sum(digits[::-2])) % 10 == 0


def has_iban_digits(text: str) -> bool:
    """Whether the check digits of an account number are right (ISO 13616: modulo 97 is 1)."""
    plain = re.sub(r"\s", "", text)
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


SHAPES: Final = (
    Shape("e-mail addresses", r"[^@\s]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", 0.01),
    Shape("card numbers", r"[0-9](?:[ -]?[0-9]){12,18}", 0.01, has_luhn_digit),
    Shape("account numbers", r"[A-Z]{2}[0-9]{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}", 0.01, has_iban_digits),
    Shape("phone numbers", r"\+[0-9][0-9 ().-]{6,16}[0-9]|\(?0?[0-9]{2,4}\)?[ -][0-9]{3,4}[ -][0-9]{3,5}", 0.2),
    Shape(
        "identity numbers",
        r"[0-9]{3}-[0-9]{2}-[0-9]{4}|[A-CEGHJ-PR-TW-Z]{2} ?(?:[0-9]{2} ?){3}[A-D]|[12] ?[0-9]{2} ?(?:[0-9]{2} ?){2}"
        r"[0-9]{3} ?[0-9]{3} ?[0-9]{2}",
        0.2,
    ),
)
FORMULAS: Final = Shape(FORMULA, r"[=@\t\r](?s:.*)|[+-][A-Za-z=@(](?s:.*)", 0.0)
_ANY: Final = "^(?:" + "|".join(f"(?:{shape.pattern})" for shape in (*SHAPES, FORMULAS)) + ")$"


class ShapeCheck:
    """The values of one text column by their shape."""

    def __init__(self, column: str, shapes: tuple[Shape, ...]) -> None:
        self.columns: tuple[str, ...] = (column,)
        self._shapes = shapes
        self._present = 0
        self._tallies = {shape.title: Tally("", column, "") for shape in shapes}
        self._plain: pa.Array | None = None
        """Levels of an earlier batch that have none of the shapes."""

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """No row is broken by itself."""
        column = columns[self.columns[0]].column
        self._present += len(column) - column.null_count
        coded = column if pa.types.is_dictionary(column.type) else None
        values = column if coded is None else coded.dictionary
        suspects = self._suspects(values) if coded is not None else np.flatnonzero(_matches(values, _ANY))
        for shape in self._shapes if len(suspects) else ():
            broken = suspects[_of_shape(af.take(values, arrow_integers(suspects)), shape)]
            rows = broken if coded is None else _rows_of(coded, broken)
            self._tallies[shape.title].add(first_row, rows, column, _kept if shape is FORMULAS else _masked)
        return NO_ROWS

    def _suspects(self, levels: pa.Array) -> Rows:
        """Places of the levels that may have a shape; most were in the last batch too and are not looked at again."""
        if self._plain is not None and self._plain.equals(levels):
            return NO_ROWS
        fresh = np.arange(len(levels))
        if self._plain is not None and self._plain.type == levels.type:
            fresh = np.flatnonzero(~af.is_in(levels, value_set=self._plain).to_numpy(zero_copy_only=False))
        suspects: Rows = fresh[_matches(af.take(levels, arrow_integers(fresh)), _ANY)]
        if not len(suspects):
            self._plain = levels
        return suspects

    def merge(self, other: ShapeCheck, rows_before: int) -> None:
        """The other's rows too."""
        self._present += other._present
        for title, tally in self._tallies.items():
            tally.merge(other._tallies[title], rows_before)

    def state(self) -> Tree:
        """Rows with a value, and those of each shape."""
        return {
            "present": self._present,
            "shapes": {title: tally.to_json() for title, tally in self._tallies.items()},
        }

    def take(self, state: Tree) -> None:
        """Only those rows."""
        self._present = state["present"]
        for title, tally in self._tallies.items():
            tally.take(state["shapes"][title])

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """One for every shape that enough values have."""
        for shape in self._shapes:
            found = self._tallies[shape.title]
            share = found.count / max(self._present, 1)
            if found.count and share >= shape.share:
                yield self._violation(shape, found, share)

    def _violation(self, shape: Shape, found: Tally, share: float) -> Violation:
        column = self.columns[0]
        if shape is FORMULAS:
            rule, limit = FORMULA, 0.0
            message = f"{found.count:,} values of '{column}' begin like a formula, which a spreadsheet would run"
        else:
            rule, limit = "personal_data", shape.share
            message = f"{share:.1%} of '{column}' look like {shape.title}: is the model meant to see personal data?"
        return Violation(
            rule,
            column,
            message,
            Severity.WARN,
            measured=share,
            limit=limit,
            count=found.count,
            rows=tuple(found.rows),
            values=tuple(found.values),
        )


def _matches(values: pa.Array, pattern: str) -> np.ndarray:
    found = af.match_substring_regex(values, pattern)
    known = af.coalesce(found, False) if found.null_count else found  # slow where nothing is missing, too
    return np.asarray(known.to_numpy(zero_copy_only=False))


def _of_shape(values: pa.Array, shape: Shape) -> np.ndarray:
    found = _matches(values, f"^(?:{shape.pattern})$")
    if shape.proof is not None:
        for place in np.flatnonzero(found).tolist():
            found[place] = shape.proof(values[place].as_py())
    return found


def _rows_of(coded: pa.Array, levels: Rows) -> Rows:
    if not len(levels):
        return NO_ROWS
    is_level = af.is_in(coded.indices, value_set=pa.array(levels, coded.indices.type))
    return np.flatnonzero(is_level.to_numpy(zero_copy_only=False))


def _kept(value: object) -> str:
    return shown(value)


def _masked(value: object) -> str:
    """The shape of a value without the value."""
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "x", shown(value)))
