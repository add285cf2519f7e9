"""A first contract from a sample: what the file shows, written as the author of a model would write it.

Ranges are what was seen, a tenth of its span wider and rounded outwards; a domain is written for few levels that each
come often; a pattern when all values have one shape. The suggestion accepts the file that it was made from, but for
what no contract takes (infinite numbers, dates beyond the calendar) and what comes after the rows that were looked at.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq

from trimtab.data.batch import is_text
from trimtab.data.checks.check import as_numbers, texts
from trimtab.data.coerce import LARGEST_INTEGER, MISSING_TEXTS, nan_as_null
from trimtab.data.dialect import read_header
from trimtab.data.jsonl_source import refuse_constant
from trimtab.data.limits import DEFAULT_LIMITS
from trimtab.data.read import Format
from trimtab.data.reading import UNDECLARED, Dialect
from trimtab.data.source import UNREADABLE, check_column_count
from trimtab.data.streams import HEADER_BYTES, Text
from trimtab.errors import DataError

SAMPLE_ROWS: Final = 100_000
"""Rows that are looked at, from the beginning of the file."""
_LEVELS: Final = 24
"""Texts, and whole numbers, that a domain lists at most; a column of one value says nothing about its next."""
_WHOLE_LEVELS: Final = 10
_CODES: Final = 32
"""Whole numbers that a domain lists when the rarest comes ``_ROWS_PER_CODE`` times: codes of a survey, hours."""
_ROWS_PER_CODE: Final = 20
_ROWS_PER_LEVEL: Final = 5
_LABELS: Final = ("label", "target", "y", "outcome", "class")
_PATTERN_LENGTH: Final = 100
"""Characters of a text that names something; longer ones tell."""
_KEY_SHARE: Final = 0.2
"""From this share of different texts on, a column of text names things rather than describes them."""


USUAL: Final = Dialect()
_MAYBE_NUMBER: Final[Any] = SimpleNamespace(type="number")


@dataclass(frozen=True)
class Named:
    """Columns with a meaning of their own; None where the file is to tell."""

    id: str | None = None
    event_time: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, in the file's own types, and how a CSV file was written."""

    table: pa.Table
    dialect: Dialect = USUAL
    encoding: str = "utf-8"


def read_sample(stream: BinaryIO, format: Format) -> Sample:
    """The first rows of a file. Raises DataError when it cannot be read."""
    try:
        found = {"parquet": _parquet, "csv": _csv, "jsonl": _jsonl}[format](stream)
        found.table.validate(full=True)  # Parquet may hold any bytes as text
    except UNREADABLE as error:
        raise DataError(f"the file cannot be read as {format}: {error}") from error
    if not found.table.num_rows:
        raise DataError("the file has no rows, so it says nothing about its columns")
    check_column_count(found.table.num_columns, DEFAULT_LIMITS.columns)
    _refuse_repeated(found.table.column_names)
    return found


def _refuse_repeated(names: list[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if repeated is not None:
        raise DataError(f"the file has {names.count(repeated)} columns called '{repeated}': which one is meant?")


def _parquet(stream: BinaryIO) -> Sample:
    file = pq.ParquetFile(stream, page_checksum_verification=True)
    batches = file.iter_batches(SAMPLE_ROWS, use_threads=False)
    return Sample(pa.Table.from_batches(list(islice(batches, 1)), file.schema_arrow))


def _csv(stream: BinaryIO) -> Sample:
    text = Text(stream, DEFAULT_LIMITS)
    plain = text.open()
    dialect = _dialect(plain.peek(HEADER_BYTES).decode(errors="ignore"))
    options = {"strings_can_be_null": True, "quoted_strings_can_be_null": False, "decimal_point": dialect.decimal}
    table = _first_rows(plain, dialect, pv.ConvertOptions(null_values=MISSING_TEXTS.to_pylist(), **options))
    _refuse_repeated(table.column_names)
    gaps = [name for name in table.column_names if is_text(table[name].type) and table[name].null_count]
    if gaps:  # NA may be a text like any other, and only an empty cell is no text
        kept = dict.fromkeys(gaps, pa.string())
        convert = pv.ConvertOptions(null_values=[""], include_columns=gaps, column_types=kept, **options)
        again = _first_rows(text.open(), dialect, convert)
        for name in gaps:
            table = table.set_column(table.column_names.index(name), name, again[name])
    return Sample(table, dialect, text.form.encoding)


def _first_rows(plain: BinaryIO, dialect: Dialect, convert: pv.ConvertOptions) -> pa.Table:
    with pv.open_csv(
        plain,
        read_options=pv.ReadOptions(use_threads=False, block_size=16 * 1024 * 1024),
        parse_options=pv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote,
            newlines_in_values=True,
            invalid_row_handler=lambda row: "skip",
        ),
        convert_options=convert,
    ) as reader:
        return pa.Table.from_batches(list(islice(reader, 1)), reader.schema).slice(0, SAMPLE_ROWS)


def _dialect(head: str) -> Dialect:
    """The dialect of a file about which nothing is known: its every column might hold numbers."""
    names = read_header(head, {}, UNDECLARED).names
    return read_header(head, dict.fromkeys(names, _MAYBE_NUMBER), UNDECLARED).dialect


def _jsonl(stream: BinaryIO) -> Sample:
    plain = Text(stream, DEFAULT_LIMITS).open()
    try:
        lines = (line for line, _ in zip(plain, range(SAMPLE_ROWS), strict=False) if line.strip())
        rows = [json.loads(line, parse_constant=refuse_constant) for line in lines]
        names = dict.fromkeys(name for row in rows for name in row)
        columns = {name: pa.array([row.get(name) for row in rows]) for name in names}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError) as error:
        raise DataError(f"the file is not one JSON object a line: {error}") from error
    return Sample(pa.table(columns))


def suggest(sample: Sample, format: Format, named: Named) -> dict[str, Any]:
    """The data section, ready to be written. Raises DataError when no column names the rows.

    A file without anything like a label gets one in its contract that truth is to bring.
    """
    table = sample.table
    columns = {name: _described(_whole(table.column(name)), format) for name in table.column_names}
    usable = {name: column for name, column in columns.items() if column}
    times = [name for name, column in usable.items() if column["type"] == "timestamp"]
    identifier = named.id or _identifier(usable)
    _refuse_unreadable(table, identifier)
    label = named.label or _label(usable) or _later_label(usable)
    for name, column in usable.items():
        if name not in (identifier, label):
            column.pop("unique", None)
    section: dict[str, Any] = {"format": format} | _csv_options(sample)
    section["id"] = _known(identifier, usable, "id")
    if event_time := named.event_time or next(iter(times), None):
        section["event_time"] = _known(event_time, usable, "event-time")
    section["label"] = _known(label, usable, "label")
    section["columns"] = usable
    section["quality"] = {"min_rows": _least(table.num_rows)}
    return section


def _least(rows: int) -> int:
    """Rows of the smallest drop: a hundredth of the sample's in one figure, as a day's may be one of a year's."""
    hundredth = max(rows // 100, 1)
    unit = 10 ** (len(str(hundredth)) - 1)
    return int(hundredth // unit * unit)


def _refuse_unreadable(table: pa.Table, identifier: str | None) -> None:
    """Raises DataError when rows could only be named by numbers that no contract takes: its integers have 64 bits."""
    beyond = [name for name in table.column_names if _is_beyond_integers(table.column(name))]
    if beyond and (identifier is None or identifier in beyond):
        raise DataError(
            f"'{identifier or beyond[0]}' has whole numbers beyond 2**63 - 1, which no contract tells apart: write "
            "them as text, or name another column with --id"
        )


def _is_beyond_integers(column: pa.ChunkedArray | pa.Array) -> bool:
    return bool(pa.types.is_uint64(column.type) and (pc.max(column).as_py() or 0) > LARGEST_INTEGER)


def _later_label(columns: dict[str, Any]) -> str:
    """The name of a label that the file does not hold, now among the columns."""
    name = next(name for name in ("label", "target", "outcome") if name not in columns)
    columns[name] = {"type": "integer", "nullable": True, "domain": [0, 1]}
    return name


def _known(name: str | None, columns: dict[str, Any], option: str) -> str:
    if name not in columns:
        said = f"no column is called '{name}'" if name else "the file does not tell"
        raise DataError(f"{said}: name a column with --{option}; there are {', '.join(columns)}")
    return str(name)


def _csv_options(sample: Sample) -> dict[str, Any]:
    found = {part: getattr(sample.dialect, part) for part in ("delimiter", "quote", "decimal")}
    options = {part: value for part, value in found.items() if value != getattr(USUAL, part)}
    if not sample.encoding.startswith("utf-8"):
        options = {"encoding": "utf-16" if sample.encoding.startswith("utf-16") else sample.encoding} | options
    return {"csv": options} if options else {}


def _whole(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _described(column: pa.Array, format: Format) -> dict[str, Any]:
    """What the contract could say of a column; nothing for a type that it has no word for."""
    if pa.types.is_dictionary(column.type):
        column = texts(column)
    if pa.types.is_floating(column.type):
        column = nan_as_null(column.cast(pa.float64()))
    if _is_beyond_integers(column):
        column = column.cast(pa.float64(), safe=False)
    kind = _kind(column, format)
    if kind is None:
        return {}
    described: dict[str, Any] = {"type": kind}
    if column.null_count:
        described["nullable"] = True
    present = column.drop_null()
    if len(present):
        rules = {"integer": _of_numbers, "number": _of_numbers, "string": _of_texts}.get(kind)
        described |= dict(rules(present)) if rules else {}
    if kind in ("integer", "string") and len(column) == pc.count_distinct(present).as_py():
        described.pop("range", None)  # the next names are not among these
        described["unique"] = True
    return described


def _kind(column: pa.Array, format: Format) -> str | None:
    held = column.type
    for kind, is_kind in (
        ("boolean", pa.types.is_boolean),
        ("integer", pa.types.is_integer),
        ("number", lambda held: pa.types.is_floating(held) or pa.types.is_decimal(held)),
        ("timestamp", lambda held: pa.types.is_timestamp(held) or pa.types.is_date(held)),
        ("string", lambda held: pa.types.is_string(held) or pa.types.is_large_string(held)),
    ):
        if is_kind(held):
            is_written = (
                kind == "string" and format != "parquet"
            )  # which has times of its own, and reads none from text
            return "timestamp" if is_written and _are_times(column) else kind
    return None


def _are_times(column: pa.Array) -> bool:
    present = column.drop_null()
    shape = pc.match_substring_regex(present, r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$")
    return len(present) > 0 and bool(pc.all(shape).as_py())


def _of_numbers(present: pa.Array) -> Iterator[tuple[str, Any]]:
    values = as_numbers(present)
    values = values[abs(values) < math.inf]
    levels = pc.unique(present)
    if pa.types.is_integer(present.type) and (
        _is_domain(levels, present, _WHOLE_LEVELS) or _are_codes(levels, present)
    ):
        yield "domain", sorted(levels.to_pylist())
    elif len(values) and len(levels) > 1:
        low, high = float(values.min()), float(values.max())
        yield "range", _widened(low, high, whole=pa.types.is_integer(present.type))


def _widened(low: float, high: float, *, whole: bool) -> list[float]:
    """The range a tenth of its span wider on both sides, never across zero, in steps of two significant digits."""
    margin = (high - low or abs(high) or 1.0) / 10
    step = 10.0 ** (math.floor(math.log10(margin)))
    step = max(step, 1.0) if whole else step
    first = 0.0 if 0 <= low <= margin else math.floor((low - margin) / step) * step
    last = 0.0 if -margin <= high <= 0 else math.ceil((high + margin) / step) * step
    tidy = [float(f"{edge:.12g}") for edge in (first, last)]
    return [int(edge) if edge.is_integer() and abs(edge) < 1e15 else edge for edge in tidy]


def _of_texts(present: pa.Array) -> Iterator[tuple[str, Any]]:
    levels = pc.unique(present)
    if _is_domain(levels, present, _LEVELS):
        yield "domain", sorted(levels.to_pylist())
        return
    if len(levels) >= _KEY_SHARE * len(present):
        yield "role", "key"
    if pattern := _pattern(levels.to_pylist()):
        yield "pattern", pattern


def _is_domain(levels: pa.Array, present: pa.Array, most: int) -> bool:
    return 1 < len(levels) <= most and len(present) >= _ROWS_PER_LEVEL * len(levels)


def _are_codes(levels: pa.Array, present: pa.Array) -> bool:
    """Whether there are few whole numbers and none of them is rare, as counts of things have rare ones at their end."""
    if not 1 < len(levels) <= _CODES:
        return False
    rarest = pc.min(pc.value_counts(present).field("counts")).as_py()
    return bool(rarest >= _ROWS_PER_CODE)


def _pattern(values: list[str]) -> str | None:
    """A pattern when all values are short and made alike: the same runs of letters, digits and signs."""
    if any(len(value) > _PATTERN_LENGTH for value in values):
        return None
    shapes = {tuple(_runs(value)) for value in values}
    if len(shapes) != 1:
        return None
    runs = [[run for run in re.findall(_RUN, value)] for value in values]
    pieces = []
    for place, kind in enumerate(next(iter(shapes))):
        lengths = {len(run[place]) for run in runs}
        count = f"{{{min(lengths)}}}" if len(lengths) == 1 else "+"
        pieces.append(kind + count if kind.startswith("[") else re.escape(kind))
    return "".join(pieces)


_RUN: Final = r"[A-Z]+|[a-z]+|[0-9]+|[^A-Za-z0-9]"


def _runs(value: str) -> Iterator[str]:
    for run in re.findall(_RUN, value):
        kind = "[A-Z]" if run[0].isupper() else "[a-z]" if run[0].islower() else "[0-9]" if run[0].isdigit() else run
        yield kind if run.isascii() else run  # é is a letter, but none of these


def _identifier(columns: dict[str, dict[str, Any]]) -> str | None:
    unique = [name for name, column in columns.items() if column.get("unique")]
    return next((name for name in unique if re.search(r"(^|_)(id|key|uuid)$", name.lower())), next(iter(unique), None))


def _label(columns: dict[str, dict[str, Any]]) -> str | None:
    """A column called so; else the last that holds nothing but 0 and 1."""
    binary = [name for name, column in columns.items() if column.get("domain") == [0, 1]]
    named = [name for name in columns if name.lower() in _LABELS]
    return next(iter([*named, *reversed(binary)]), None)
