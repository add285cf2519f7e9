"""Rules on single values: each says which rows of a batch break it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.batch import ColumnBatch
from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.data.contract import Contract
from trimtab.data.keys import KeySet
from trimtab.data.text_shape import shape_of
from trimtab.errors import SpecError

if TYPE_CHECKING:
    from trimtab.spec import Column


LARGEST_NUMBER = np.finfo(np.float64).max
_PART_ROWS = 4_096
"""Texts that are matched together with a regular expression once one of them is not of the pattern's plain shape."""
LEVELS_LOOKED_AT = 1_000
"""Levels of a batch that are compared with a domain; of more than that, every row is."""


def _always(batch: ColumnBatch) -> bool:
    """Every batch is looked at row by row."""
    return True


@dataclass(frozen=True)
class ValueRule:
    """A rule that is decided value by value; a missing value breaks no rule but ``not_null``."""

    name: str
    limit: str
    """What is allowed, for people."""
    broken: Callable[[pa.Array], Rows]
    """Indices of the offending rows of a column in its contract's type."""
    suspects: Callable[[ColumnBatch], bool] = _always
    """Whether a batch may break the rule, read off what is known of the batch; ``broken`` is asked only then."""


def value_rules(name: str, column: Column, contract: Contract) -> list[ValueRule]:
    """The rules of one column of a contract. Raises SpecError for a pattern that is not RE2."""
    rules = [] if column.nullable else [ValueRule("not_null", "a value in every row", _missing, _lacks_values)]
    if column.type == "number":
        rules.append(ValueRule("finite", "a finite number", _infinite, _beyond(-LARGEST_NUMBER, LARGEST_NUMBER)))
    if column.range is not None:
        rules.append(_range_rule(column.range))
    if column.domain is not None:
        rules.append(_domain_rule(column))
    if column.pattern is not None:
        rules.append(_pattern_rule(name, column.pattern))
    if column.references is not None and column.references in contract.occasion.keys:
        rules.append(_reference_rule(column.references, contract.occasion.keys[column.references]))
    if name == contract.event_time and contract.occasion.at is not None:
        rules += _window_rules(contract, contract.occasion.at)
    return rules


def _range_rule(limits: tuple[float, float]) -> ValueRule:
    low, high = limits

    def outside(column: pa.Array) -> Rows:
        return _where(af.or_(af.less(column, low), af.greater(column, high)))

    return ValueRule("range", f"{low:g} to {high:g}", outside, _beyond(low, high))


def _domain_rule(column: Column) -> ValueRule:
    allowed = pa.array([_as_type(value, column.type) for value in column.domain or ()])

    def foreign(values: pa.Array) -> Rows:
        return _where(
            _by_level(values, lambda levels: af.invert(af.is_in(levels, value_set=af.cast(allowed, levels.type))))
        )

    listed = ", ".join(str(value) for value in (column.domain or ())[:12])
    limit = listed + (", …" if len(column.domain or ()) > 12 else "")
    return ValueRule("domain", limit, foreign, _has_other_levels(frozenset(af.cast(allowed, pa.string()).to_pylist())))


def _pattern_rule(name: str, pattern: str) -> ValueRule:
    whole = f"^(?:{pattern})$"
    try:
        af.match_substring_regex(pa.array([""]), whole)
    except pa.ArrowInvalid as error:
        raise SpecError(f"data.columns.{name}.pattern is no RE2 regular expression: {error}") from error

    def unmatched(values: pa.Array) -> Rows:
        return _where(_by_level(values, lambda levels: af.invert(af.match_substring_regex(levels, whole))))

    shape = shape_of(pattern)

    def unlike(values: pa.Array) -> Rows:
        if shape is None or pa.types.is_dictionary(values.type):
            return unmatched(values)
        parts = ((start, values[start : start + _PART_ROWS]) for start in range(0, len(values), _PART_ROWS))
        found = [unmatched(part) + start for start, part in parts if not shape.is_of_all(part)]
        return np.concatenate([NO_ROWS, *found])

    return ValueRule("pattern", pattern, unlike, lambda batch: shape is None or not shape.is_of_all(batch.column))


def _reference_rule(dataset: str, keys: KeySet) -> ValueRule:
    def unknown(values: pa.Array) -> Rows:
        return _where(_by_level(values, keys.lacks))

    return ValueRule("references", f"the {len(keys.keys):,} keys of '{dataset}'", unknown)


def _window_rules(contract: Contract, at: datetime) -> list[ValueRule]:
    """Event times lie neither too far before the drop nor after it."""
    rules = []
    if contract.past_days is not None:
        first = at - timedelta(days=contract.past_days)
        rules.append(_window_rule(af.less, first, f"{contract.past_days:g} days before the drop or later"))
    if contract.future_hours is not None:
        last = at + timedelta(hours=contract.future_hours)
        rules.append(_window_rule(af.greater, last, f"{contract.future_hours:g} hours after the drop or earlier"))
    return rules


def _window_rule(beyond: Callable[[pa.Array, pa.Scalar], pa.Array], edge: datetime, limit: str) -> ValueRule:
    def outside(column: pa.Array) -> Rows:
        return _where(beyond(column, pa.scalar(edge, column.type)))

    return ValueRule("event_window", limit, outside)


def _as_type(value: str | int | bool, target: str) -> str | int | float | bool:
    if target == "string":
        return str(value)
    return float(value) if target == "number" else value


def _by_level(values: pa.Array, decide: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """The decision for every row; of a dictionary, each level is decided once."""
    if not pa.types.is_dictionary(values.type):
        return af.if_else(af.is_valid(values), decide(values), False)
    return af.take(decide(values.dictionary), values.indices)


def _lacks_values(batch: ColumnBatch) -> bool:
    return batch.missing > 0


def _beyond(low: float, high: float) -> Callable[[ColumnBatch], bool]:
    def suspects(batch: ColumnBatch) -> bool:
        extremes = batch.extremes
        return extremes is not None and not (low <= extremes[0] and extremes[1] <= high)  # NaN is neither

    return suspects


def _has_other_levels(allowed: frozenset[str]) -> Callable[[ColumnBatch], bool]:
    def suspects(batch: ColumnBatch) -> bool:
        if pa.types.is_floating(batch.column.type) or len(batch.levels[0]) > LEVELS_LOOKED_AT:
            return True
        texts, counts = batch.levels
        return any(
            count and text not in allowed for text, count in zip(texts.to_pylist(), counts.tolist(), strict=True)
        )

    return suspects


def _missing(column: pa.Array) -> Rows:
    return _where(af.is_null(column)) if column.null_count else NO_ROWS


def _infinite(column: pa.Array) -> Rows:
    return _where(af.is_inf(column))


def _where(broken: pa.Array) -> Rows:
    if not af.any_true(broken):
        return NO_ROWS
    known = af.coalesce(broken, False) if broken.null_count else broken
    return np.flatnonzero(known.to_numpy(zero_copy_only=False))
