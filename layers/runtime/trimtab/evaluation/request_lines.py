"""Rows as the JSON Lines that a model is asked, written a column at a time: several times as fast as row by row."""

import json
import math
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NULL = "null"


def lines(table: pa.Table) -> list[str]:
    """One JSON object a row with all columns, the very text that ``json.dumps`` gives of the row's values."""
    fields = ", ".join(json.dumps(name).replace("%", "%%") + ": %s" for name in table.column_names)
    form = "{" + fields + "}\n"
    return [form % row for row in zip(*map(_texts, table.columns), strict=True)]


def plain(value: Any) -> Any:
    """A JSON value: a time as ISO 8601, a number that is none as null."""
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _texts(column: pa.ChunkedArray) -> list[str]:
    if pa.types.is_floating(column.type):
        return _numbers(column)
    if pa.types.is_integer(column.type) and not column.null_count:
        return list(map(str, column.to_numpy().tolist()))
    if pa.types.is_string(column.type) and len(column):
        return _strings(column)
    return [json.dumps(plain(value)) for value in column.to_pylist()]


def _numbers(column: pa.ChunkedArray) -> list[str]:
    values = np.asarray(column.to_numpy())
    texts = list(map(float.__repr__, values.astype(np.float64).tolist()))
    for place in np.flatnonzero(~np.isfinite(values)):
        texts[place] = NULL
    return texts


def _strings(column: pa.ChunkedArray) -> list[str]:
    """Each distinct text is written once."""
    encoded = column.combine_chunks().dictionary_encode()
    levels = [*map(json.dumps, encoded.dictionary.to_pylist()), NULL]
    places = pc.fill_null(encoded.indices, len(levels) - 1)
    return [levels[place] for place in places.to_pylist()]
