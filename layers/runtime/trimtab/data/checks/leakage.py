"""A feature that knows the label: equal to it, or enough to tell it without fail.

Only a feature that gave the label away in every row so far is looked at further, so an honest column costs one batch.
Too little is known to say anything below `LEAST_ROWS` rows with both values, or `LEAST_OF_EACH` rows of either label; a
level counts as telling only where levels have ten rows on average. A label of more than two values is compared for
equality only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.checks.check import HasColumn, as_numbers, texts
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.state_file import Tree
from trimtab.data.violation import Severity, Violation

LEAST_ROWS: Final = 100
LEAST_OF_EACH: Final = 20
MOST_LEVELS: Final = 1_000
_ROWS_PER_LEVEL: Final = 10
_PROBE: Final = 1_024
_LABELS_TOLD: Final = 3
"""Labels whose rows are counted apart; that there are more than two is all that has to be known."""


_BY_LABEL: Final = ("rows", "low", "high")


@dataclass
class _Labels:
    """What goes with each label: rows, and the extremes or levels of the feature."""

    rows: dict[Any, int] = field(default_factory=dict)
    low: dict[Any, float] = field(default_factory=dict)
    high: dict[Any, float] = field(default_factory=dict)
    levels: dict[str, Any] = field(default_factory=dict)
    """The label that every row of the level has."""
    equal: bool = True
    apart: bool = True
    """Whether extremes of labels, or their levels, do not meet."""

    @property
    def is_open(self) -> bool:
        return self.equal or self.apart

    def merge(self, other: _Labels) -> None:
        self.equal &= other.equal
        self.apart &= other.apart and all(
            self.levels.get(level, label) == label for level, label in other.levels.items()
        )
        for label, count in other.rows.items():
            known = label if label in self.rows or len(self.rows) < _LABELS_TOLD else next(iter(self.rows))
            self.rows[known] = self.rows.get(known, 0) + count
        for label, low in other.low.items():
            self.low[label] = min(self.low.get(label, low), low)
            self.high[label] = max(self.high.get(label, low), other.high[label])
        self.levels |= other.levels
        self.settle()

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values; labels are told apart, so only the label itself may lose its type."""
        pairs = {name: [[_plain(label), found] for label, found in getattr(self, name).items()] for name in _BY_LABEL}
        levels = [[level, _plain(label)] for level, label in self.levels.items()]
        return {**pairs, "levels": levels, "equal": self.equal, "apart": self.apart}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The state that ``to_json`` gave."""
        pairs = {name: dict(map(tuple, document[name])) for name in (*_BY_LABEL, "levels")}
        return cls(**pairs, equal=document["equal"], apart=document["apart"])

    def settle(self) -> None:
        """Whether labels are still apart, from what is known."""
        overlap = len(self.low) == 2 and max(self.low.values()) <= min(self.high.values())
        self.apart &= len(self.rows) <= 2 and not overlap and len(self.levels) <= MOST_LEVELS

    @property
    def tells(self) -> bool:
        """Whether the label follows from the feature, with enough rows to mean it."""
        enough = sum(self.rows.values()) >= LEAST_ROWS and len(self.rows) == 2
        enough = enough and min(self.rows.values()) >= LEAST_OF_EACH
        return enough and self.apart and sum(self.rows.values()) >= _ROWS_PER_LEVEL * len(self.levels)

    @property
    def is_label(self) -> bool:
        return self.equal and sum(self.rows.values()) >= LEAST_OF_EACH and len(self.rows) >= 2


class LeakageCheck:
    """One feature against the label, over the rows that have both."""

    def __init__(self, feature: str, label: str, equals: Severity) -> None:
        self.columns: tuple[str, ...] = (feature, label)
        self._equals = equals
        self._state = _Labels()

    def add(self, first_row: int, columns: Mapping[str, HasColumn]) -> Rows:
        """No row is broken by itself."""
        feature, label = (columns[name].column for name in self.columns)
        for part in (slice(0, _PROBE), slice(_PROBE, None)):  # most columns are cleared by the first rows
            if self._state.is_open and len(feature[part]):
                both = af.and_(af.is_valid(feature[part]), af.is_valid(label[part]))
                self._state.merge(_labels(af.filter(feature[part], both), af.filter(label[part], both)))
        return NO_ROWS

    def merge(self, other: LeakageCheck, rows_before: int) -> None:
        """The other's rows too."""
        self._state.merge(other._state)

    def state(self) -> Tree:
        """What goes with each label."""
        return self._state.to_json()

    def take(self, state: Tree) -> None:
        """Only that."""
        self._state = _Labels.from_json(state)

    def violations(self, rows: int, *, tolerated: bool) -> Iterator[Violation]:
        """One, when the feature is the label or tells it."""
        feature, label = self.columns
        if self._state.is_label:
            message = f"'{feature}' equals the label '{label}' in every row: the model would only copy it"
            yield Violation("label_leakage", feature, message, self._equals, "equal", label)
        elif self._state.tells:
            message = f"'{feature}' tells the label '{label}' without fail in every row: is it known before the label?"
            yield Violation("label_leakage", feature, message, Severity.WARN, "determines", label)


def _labels(feature: pa.Array, label: pa.Array) -> _Labels:
    """The state of some rows that have both values."""
    found = _Labels(equal=_are_equal(feature, label))
    label = texts(label)
    names = af.unique(label)[:_LABELS_TOLD]
    found.apart = len(names) < _LABELS_TOLD
    for scalar in names:  # Arrow's own scalars: one made from Python's value would look for dateutil each time
        rows = af.filter(feature, af.equal(label, scalar)) if len(names) > 1 else feature
        found.rows[name := scalar.as_py()] = len(rows)
        if found.apart:
            _note(found, name, rows)
    found.settle()
    return found


def _note(found: _Labels, name: Any, rows: pa.Array) -> None:
    """The feature's rows that have the label ``name``."""
    if _is_text(rows):
        levels = af.unique(texts(rows)).to_pylist()
        found.apart &= not any(level in found.levels for level in levels) and len(levels) <= MOST_LEVELS
        found.levels |= dict.fromkeys(levels, name)
    elif len(rows):
        numbers = as_numbers(af.cast(rows, pa.int64()) if pa.types.is_timestamp(rows.type) else rows)
        found.low[name], found.high[name] = float(np.nanmin(numbers)), float(np.nanmax(numbers))


def _are_equal(feature: pa.Array, label: pa.Array) -> bool:
    if _is_text(feature) != _is_text(label):
        return False
    if _is_text(feature):
        return bool(af.cast(texts(feature), pa.string()).equals(af.cast(texts(label), pa.string())))
    if pa.types.is_timestamp(feature.type) or pa.types.is_timestamp(label.type):
        return False
    return bool(np.array_equal(as_numbers(feature), as_numbers(label), equal_nan=True))


def _is_text(column: pa.Array) -> bool:
    held = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held))


def _plain(label: Any) -> Any:
    return label if isinstance(label, str | int | float) else str(label)
