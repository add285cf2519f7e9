"""Rules on single values: each says which rows of a batch break it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.data.coerce import NO_ROWS, Rows
from trimtab.errors import SpecError
from trimtab.spec import Column, ColumnType


@dataclass(frozen=True)
class ValueRule:
    """A rule that is decided value by value; a missing value breaks no rule but ``not_null``."""

    name: str
    limit: str
    """What is allowed, for people."""
    broken: Callable[[pa.Array], Rows]
    """Indices of the offending rows of a column in its contract's type."""


def value_rules(name: str, column: Column) -> list[ValueRule]:
    """The rules of one column of a contract. Raises SpecError for a rule that does not fit the column's type."""
    _check_fit(name, column)
    rules = [] if column.nullable else [ValueRule("not_null", "a value in every row", _missing)]
    if column.type is ColumnType.NUMBER:
        rules.append(ValueRule("finite", "a finite number", _infinite))
    if column.range is not None:
        rules.append(_range_rule(column.range))
    if column.domain is not None:
        rules.append(_domain_rule(column))
    if column.pattern is not None:
        rules.append(_pattern_rule(name, column.pattern))
    return rules


def _check_fit(name: str, column: Column) -> None:
    if column.range is not None and column.type not in (ColumnType.INTEGER, ColumnType.NUMBER):
        raise SpecError(
            f"data.columns.{name} has a range, which is for integers and numbers; it is a {column.type.value}"
        )
    if column.pattern is not None and column.type is not ColumnType.STRING:
        raise SpecError(f"data.columns.{name} has a pattern, which is for strings; it is a {column.type.value}")


def _range_rule(limits: tuple[float, float]) -> ValueRule:
    low, high = limits

    def outside(column: pa.Array) -> Rows:
        return _where(pc.or_(pc.less(column, low), pc.greater(column, high)))

    return ValueRule("range", f"{low:g} to {high:g}", outside)


def _domain_rule(column: Column) -> ValueRule:
    allowed = pa.array([_as_type(value, column.type) for value in column.domain or ()])

    def foreign(values: pa.Array) -> Rows:
        return _where(
            _by_level(values, lambda levels: pc.invert(pc.is_in(levels, value_set=allowed.cast(levels.type))))
        )

    listed = ", ".join(str(value) for value in (column.domain or ())[:12])
    return ValueRule("domain", listed + (", …" if len(column.domain or ()) > 12 else ""), foreign)


def _pattern_rule(name: str, pattern: str) -> ValueRule:
    whole = f"^(?:{pattern})$"
    try:
        pc.match_substring_regex(pa.array([""]), whole)
    except pa.ArrowInvalid as error:
        raise SpecError(f"data.columns.{name}.pattern is no RE2 regular expression: {error}") from error

    def unlike(values: pa.Array) -> Rows:
        return _where(_by_level(values, lambda levels: pc.invert(pc.match_substring_regex(levels, whole))))

    return ValueRule("pattern", pattern, unlike)


def _as_type(value: str | int | bool, target: ColumnType) -> str | int | float | bool:
    if target is ColumnType.STRING:
        return str(value)
    return float(value) if target is ColumnType.NUMBER else value


def _by_level(values: pa.Array, decide: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """The decision for every row; of a dictionary, each level is decided once."""
    if not pa.types.is_dictionary(values.type):
        return pc.if_else(pc.is_valid(values), decide(values), False)
    return pc.take(decide(values.dictionary), values.indices)


def _missing(column: pa.Array) -> Rows:
    return _where(pc.is_null(column)) if column.null_count else NO_ROWS


def _infinite(column: pa.Array) -> Rows:
    return _where(pc.is_inf(column))


def _where(broken: pa.Array) -> Rows:
    if not pc.any(broken).as_py():
        return NO_ROWS
    return np.flatnonzero(broken.fill_null(False).to_numpy(zero_copy_only=False))
