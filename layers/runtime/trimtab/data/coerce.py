"""How the types of a file become the types of a contract. What is not in this table is a type conflict.

    contract    from                         rule
    ---------   --------------------------   ----------------------------------------------------------------------
    integer     integers, booleans           as they are; unsigned numbers beyond 2**63 - 1 are bad values
                floats, decimals             whole numbers up to 2**53; NaN is missing; others are bad values
    number      integers, floats, decimals   as float64; NaN is missing
    string      text                         as it is; what is not UTF-8 is a bad value
    boolean     booleans; integers           0 and 1; other integers are bad values
    timestamp   timestamps, dates            microseconds in UTC, years 1 to 9999; a time without a zone is taken as UTC
    any         a column of nulls only       missing values

A CSV file has only text, so there (and only there) text is read as the contract's type: decimal notation, `true` and
`false` or 1 and 0, ISO 8601. Empty cells and NA, N/A, NaN, nan, NULL, null and None are missing, except that in a
string column only an empty cell is. In JSON Lines a timestamp is an ISO 8601 string; nothing else is read from text.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.column_types import ColumnType
from trimtab.data import arrow_functions as af
from trimtab.data.batch import ColumnBatch

ARROW_TYPES: Final = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.STRING: pa.string(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}
MISSING_TEXTS: Final = pa.array(["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"])
_SMALLEST_INTEGER: Final = -(2**63)
LARGEST_INTEGER: Final = 2**63 - 1
_LARGEST_EXACT_FLOAT: Final = 2.0**53
_FIRST_MOMENT: Final = -62_135_596_800_000_000
_LAST_MOMENT: Final = 253_402_300_799_999_999
_DIGITS: Final = re.compile(r"[+-]?[0-9]{1,20}")
_BAD: Final = object()
_SAFE_TYPES: Final[dict[ColumnType, set[type]]] = {
    ColumnType.INTEGER: {int, type(None)},
    ColumnType.NUMBER: {int, float, type(None)},
    ColumnType.STRING: {str, type(None)},
    ColumnType.BOOLEAN: {bool, type(None)},
    ColumnType.TIMESTAMP: set(),
}
"""Python types that Arrow converts without changing a value; it would turn 1.5 into the integer 1 unasked."""

Rows = npt.NDArray[np.int64]
NO_ROWS: Final[Rows] = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Coerced:
    """A column in its contract's Arrow type (text may stay a dictionary); bad values are null and listed by row."""

    column: pa.Array
    bad: Rows = field(default_factory=lambda: NO_ROWS)
    conflict: str | None = None
    """The file's type, when the column as a whole cannot become what the contract asks for."""
    seen: ColumnBatch | None = None
    """The column with what had to be worked out of it already."""

    @property
    def batch(self) -> ColumnBatch:
        """The column, of which nothing is worked out twice."""
        return self.seen or ColumnBatch(self.column)


def coerce(column: pa.Array | list[Any], target: ColumnType, *, text: bool) -> Coerced:
    """The column in the contract's type. ``text`` says that the file has only text (CSV)."""
    if isinstance(column, list):
        return _from_objects(column, target)
    if pa.types.is_null(column.type):
        return Coerced(pa.nulls(len(column), ARROW_TYPES[target]))
    if target is ColumnType.STRING:
        return _text(column, checked=text)
    if pa.types.is_dictionary(column.type):
        column = af.decoded(column)
    if text and _is_text(column.type):
        return _from_text(column, target)
    return _FROM_ARROW[target](column)


def _text(column: pa.Array, *, checked: bool) -> Coerced:
    """The texts, each of which is UTF-8; of a text file that is known."""
    held = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not _is_text(held):
        return _conflict(column, ColumnType.STRING)
    batch = ColumnBatch(column)
    try:
        _check_text(batch, full=not checked)
    except pa.ArrowInvalid:  # Parquet may hold any bytes as text
        return _of_unicode(af.decoded(column))
    return Coerced(column, seen=batch)


def _check_text(batch: ColumnBatch, *, full: bool) -> None:
    """Raises ArrowInvalid unless all texts are UTF-8; of a dictionary each text is looked at once."""
    column = batch.column
    if not full or not pa.types.is_dictionary(column.type):
        column.validate(full=full)
        return
    column.dictionary.validate(full=True)
    if batch.foreign_codes:
        column.validate(full=True)


def _of_unicode(column: pa.Array) -> Coerced:
    """The texts that are UTF-8."""
    return _parse_each(column.cast(pa.large_binary()).to_pylist(), ColumnType.STRING, _text_from_bytes)


def _integer(column: pa.Array) -> Coerced:
    if pa.types.is_uint64(column.type):
        return _nulled(column, af.greater(column, pa.scalar(LARGEST_INTEGER, pa.uint64())), ColumnType.INTEGER)
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        return Coerced(_as(column, pa.int64()))
    if not _is_fraction(column.type):
        return _conflict(column, ColumnType.INTEGER)
    floats = nan_as_null(af.cast(column, pa.float64()))
    whole = af.and_(af.equal(af.floor(floats), floats), af.less_equal(af.abs(floats), _LARGEST_EXACT_FLOAT))
    return _nulled(floats, af.invert(whole), ColumnType.INTEGER)


def _number(column: pa.Array) -> Coerced:
    if pa.types.is_integer(column.type):
        return Coerced(af.cast(column, pa.float64(), safe=False))
    if _is_fraction(column.type):
        return _without_nan(ColumnBatch(_as(column, pa.float64())))
    return _conflict(column, ColumnType.NUMBER)


def _boolean(column: pa.Array) -> Coerced:
    if pa.types.is_boolean(column.type):
        return Coerced(column)
    if not pa.types.is_integer(column.type):
        return _conflict(column, ColumnType.BOOLEAN)
    zero_or_one = af.is_in(column, value_set=pa.array([0, 1], column.type))
    return _nulled(column, af.invert(zero_or_one), ColumnType.BOOLEAN)


def _timestamp(column: pa.Array) -> Coerced:
    if pa.types.is_date(column.type):
        column = af.cast(column, pa.timestamp("us"))
    if not pa.types.is_timestamp(column.type):
        return _conflict(column, ColumnType.TIMESTAMP)
    if column.type.unit == "us":  # only the name of the zone differs
        return _within_calendar(column.view(ARROW_TYPES[ColumnType.TIMESTAMP]))
    try:
        moments = af.cast(column, ARROW_TYPES[ColumnType.TIMESTAMP], safe=column.type.unit in ("s", "ms"))
    except pa.ArrowInvalid:  # seconds too many for 64 bits of microseconds
        return _conflict(column, ColumnType.TIMESTAMP)
    return _within_calendar(moments)


def _within_calendar(moments: pa.Array) -> Coerced:
    """Years 1 to 9999: what ISO 8601 writes with four digits."""
    ticks = moments.view(pa.int64())
    found = af.min_max(ticks)
    low, high = found["min"].as_py(), found["max"].as_py()
    if low is None or (low >= _FIRST_MOMENT and high <= _LAST_MOMENT):
        return Coerced(moments)
    outside = af.or_(af.less(ticks, _FIRST_MOMENT), af.greater(ticks, _LAST_MOMENT))
    return _nulled(moments, outside, ColumnType.TIMESTAMP)


_FROM_ARROW: Final[dict[ColumnType, Callable[[pa.Array], Coerced]]] = {
    ColumnType.INTEGER: _integer,
    ColumnType.NUMBER: _number,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.TIMESTAMP: _timestamp,
}


def _is_text(held: pa.DataType) -> bool:
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_string_view(held))


def _is_fraction(held: pa.DataType) -> bool:
    return bool(pa.types.is_floating(held) or pa.types.is_decimal(held))


def _conflict(column: pa.Array, target: ColumnType) -> Coerced:
    return Coerced(pa.nulls(len(column), ARROW_TYPES[target]), conflict=str(column.type))


def _as(column: pa.Array, held: pa.DataType) -> pa.Array:
    return column if column.type == held else af.cast(column, held)


def _without_nan(batch: ColumnBatch) -> Coerced:
    """NaN is missing. Extremes that are numbers have no NaN between them."""
    if batch.extremes is None or not math.isnan(batch.extremes[0]):
        return Coerced(batch.column, seen=batch)
    return Coerced(nan_as_null(batch.column))


def nan_as_null(floats: pa.Array) -> pa.Array:
    """The numbers of a float64 column; NaN is missing."""
    nans = af.is_nan(floats)
    return af.if_else(nans, pa.scalar(None, pa.float64()), floats) if af.any_true(nans) else floats


def _nulled(column: pa.Array, is_bad: pa.Array, target: ColumnType) -> Coerced:
    bad = np.flatnonzero(af.coalesce(is_bad, False).to_numpy(zero_copy_only=False))
    kept = af.if_else(is_bad, pa.scalar(None, column.type), column) if len(bad) else column
    return Coerced(af.cast(kept, ARROW_TYPES[target]), bad)


def _from_text(column: pa.Array, target: ColumnType) -> Coerced:
    is_missing = af.is_in(column, value_set=af.cast(MISSING_TEXTS, column.type))
    present = af.if_else(is_missing, pa.scalar(None, column.type), column)
    for arrow_type in _text_targets(present, target):
        try:
            return Coerced(_parsed(present, arrow_type, target))
        except pa.ArrowInvalid:
            continue
    return _parse_each(present.to_pylist(), target, _TEXT_PARSERS[target])


def _text_targets(texts: pa.Array, target: ColumnType) -> tuple[pa.DataType, ...]:
    """Arrow types that the texts may be cast to at once, in the order to try."""
    if target is ColumnType.TIMESTAMP:  # Arrow reads a time without a zone into one type and with a zone into the other
        return pa.timestamp("us"), ARROW_TYPES[target]
    if target is ColumnType.INTEGER and af.any_true(af.match_substring(texts, "x", ignore_case=True)):
        return ()  # Arrow would read 0x10 as 16
    return (ARROW_TYPES[target],)


def _parsed(texts: pa.Array, arrow_type: pa.DataType, target: ColumnType) -> pa.Array:
    parsed = af.cast(af.cast(texts, arrow_type), ARROW_TYPES[target])
    return nan_as_null(parsed) if target is ColumnType.NUMBER else parsed


def _from_objects(values: list[Any], target: ColumnType) -> Coerced:
    if set(map(type, values)) <= _SAFE_TYPES[target]:
        try:
            return Coerced(pa.array(values, ARROW_TYPES[target]))
        except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):  # one value is too large or no Unicode
            pass
    return _parse_each(values, target, _OBJECT_PARSERS[target])


def _parse_each(values: list[Any], target: ColumnType, parse: Callable[[Any], object]) -> Coerced:
    parsed = [None if value is None else parse(value) for value in values]
    bad = np.array([row for row, value in enumerate(parsed) if value is _BAD], np.int64)
    kept = [None if value is _BAD else value for value in parsed]
    return Coerced(pa.array(kept, ARROW_TYPES[target]), bad)


def _plain(text: str) -> str:
    """The text without surrounding spaces; 1_000 and ٣, numbers to Python but to no data file, are spoilt."""
    plain = text.strip()
    return plain.replace("_", "x") if plain.isascii() else "x"


def _integer_from_text(value: str) -> object:
    """Digits are read as exactly as in a column without a bad cell, which Arrow reads at once."""
    plain = _plain(value)
    try:
        return _integer_from_number(int(plain) if _DIGITS.fullmatch(plain) else Decimal(plain))
    except InvalidOperation:
        return _BAD


def _integer_from_number(value: Any) -> object:
    if isinstance(value, int):
        return int(value) if _SMALLEST_INTEGER <= value <= LARGEST_INTEGER else _BAD
    if isinstance(value, float | Decimal) and math.isfinite(value) and abs(float(value)) <= _LARGEST_EXACT_FLOAT:
        return int(value) if value == int(value) else _BAD
    return _BAD


def _number_from_text(value: str) -> object:
    try:
        number = float(_plain(value))
    except ValueError:
        return _BAD
    return None if math.isnan(number) else number


def _number_from_number(value: Any) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _BAD
    try:
        return float(value)
    except OverflowError:
        return _BAD


def _boolean_from_text(value: str) -> object:
    return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower(), _BAD)


def _boolean_from_object(value: object) -> object:
    return bool(value) if isinstance(value, bool | int) and value in (0, 1) else _BAD


def _timestamp_from_text(value: object) -> object:
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
    except ValueError:
        return _BAD
    if moment is None:
        return _BAD
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text_from_bytes(value: bytes) -> object:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _BAD


def _string_from_object(value: object) -> object:
    if not isinstance(value, str):
        return _BAD
    try:
        value.encode()
    except UnicodeEncodeError:
        return _BAD
    return value


_TEXT_PARSERS: Final[dict[ColumnType, Callable[[Any], object]]] = {
    ColumnType.INTEGER: _integer_from_text,
    ColumnType.NUMBER: _number_from_text,
    ColumnType.BOOLEAN: _boolean_from_text,
    ColumnType.TIMESTAMP: _timestamp_from_text,
}
_OBJECT_PARSERS: Final[dict[ColumnType, Callable[[Any], object]]] = {
    ColumnType.INTEGER: _integer_from_number,
    ColumnType.NUMBER: _number_from_number,
    ColumnType.STRING: _string_from_object,
    ColumnType.BOOLEAN: _boolean_from_object,
    ColumnType.TIMESTAMP: _timestamp_from_text,
}
