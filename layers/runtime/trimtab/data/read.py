"""Files as a stream of chunks of columns, in constant memory; what cannot be read is a DataError that says where.

A `Source` yields `Chunk`s: row numbers and columns as the file has them. Coercion to the contract's types comes after
(`trimtab.data.coerce`), so that a value of the wrong type is a finding with a row number and not the end of reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.coerce import coerce
from trimtab.data.formats import Format, format_of
from trimtab.data.limits import DEFAULT_LIMITS, Limits
from trimtab.data.parquet_source import MAGIC, ParquetSource
from trimtab.data.reading import UNDECLARED, Declared
from trimtab.data.source import Chunk, Source
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, DataSpec, TextOptions

__all__ = ["Format", "format_of", "open_source", "read_table", "typed_batches"]


def open_source(
    stream: BinaryIO,
    format: Format,
    columns: dict[str, Column],
    limits: Limits = DEFAULT_LIMITS,
    declared: Declared | TextOptions = UNDECLARED,
    row_groups: Sequence[int] | None = None,
) -> Source:
    """A source of the named columns. Raises DataError when the file is not of the format.

    ``declared`` is how the spec says that CSV files are written; of a Parquet file only some row groups may be read.
    """
    head = stream.read(len(MAGIC))
    stream.seek(0)
    if not head:
        raise DataError("the file is empty (0 bytes): check the export and drop it again")
    if format == "parquet":
        return ParquetSource(stream, columns, limits, row_groups)
    if format == "csv":  # what reads the other formats is not imported: it would cost a Parquet file 10 ms
        from trimtab.data.csv_source import CsvSource

        return CsvSource(stream, columns, limits, declared)
    from trimtab.data.jsonl_source import JsonLinesSource

    return JsonLinesSource(stream, columns, limits, declared)


def typed_batches(
    stream: BinaryIO, format: Format, data: DataSpec, limits: Limits = DEFAULT_LIMITS
) -> Iterator[pa.RecordBatch]:
    """Record batches of the contract's columns that the file has, in the contract's Arrow types.

    A value that cannot become its contract's type is null: the gate has already decided how many of those may be.
    Raises DataError when the file cannot be read.
    """
    source = open_source(stream, format, data.columns, limits, data.csv)
    for chunk in source.chunks():
        yield _typed(chunk, data, text=source.is_text)


def read_table(stream: BinaryIO, format: Format, data: DataSpec, limits: Limits = DEFAULT_LIMITS) -> pa.Table:
    """The whole file as one table, as ``typed_batches`` types it; columns the file lacks are absent."""
    batches = list(typed_batches(stream, format, data, limits))
    if not batches:
        raise DataError("the file has no rows: check the export and drop it again")
    return pa.concat_tables([pa.Table.from_batches([batch]) for batch in batches], promote_options="default")


def _typed(chunk: Chunk, data: DataSpec, *, text: bool) -> pa.RecordBatch:
    columns: dict[str, Any] = {}
    for name, raw in chunk.columns.items():
        column = coerce(raw, data.columns[name].type, text=text).column
        columns[name] = af.decoded(column)
    return pa.RecordBatch.from_pydict(columns)
