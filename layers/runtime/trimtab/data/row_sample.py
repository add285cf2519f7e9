"""A thousand whole rows of a table, the same ones whatever the order and the sharding.

Kept are the rows whose id has the smallest hash (bottom-k sampling, Cohen and Kaplan 2007). While ids are unique every
row is as likely as any other, and the sample of two sets of rows is that of their two samples. Another table's sample
is independent of it unless the ids are the same.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from trimtab.data.batch import ColumnBatch
from trimtab.data.hashing import Integers, Words

ROWS: Final = 1_000


def _no_words() -> Words:
    return np.zeros(0, np.uint64)


@dataclass(frozen=True, eq=False)
class RowSample:
    """Rows by rising hash. A column has numbers, texts, booleans or instants (microseconds), None where missing."""

    hashes: Words = field(default_factory=_no_words)
    columns: Mapping[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.hashes)

    def merge(self, other: Self) -> Self:
        """The sample of both sets of rows; a column that either lacks is left out."""
        if not len(self) or not len(other):
            return self if len(self) else other
        hashes = np.concatenate([self.hashes, other.hashes])
        order = np.argsort(hashes, kind="stable")[:ROWS]
        both = {name: values + other.columns[name] for name, values in self.columns.items() if name in other.columns}
        return type(self)(hashes[order], {name: [values[row] for row in order] for name, values in both.items()})

    def to_json(self) -> str:
        """The sample as compressed text."""
        body = json.dumps({"hashes": self.hashes.tolist(), "columns": dict(self.columns)}, separators=(",", ":"))
        return base64.b64encode(zlib.compress(body.encode())).decode("ascii")

    @classmethod
    def from_json(cls, packed: str) -> Self:
        """The sample that ``to_json`` wrote."""
        document = json.loads(zlib.decompress(base64.b64decode(packed)))
        return cls(np.array(document["hashes"], np.uint64), document["columns"])


class SampleTally:
    """The sample of rows that stream by."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self.sample = RowSample()

    def add(self, ids: ColumnBatch, columns: Mapping[str, ColumnBatch]) -> None:
        """The next rows: their ids, and the columns they have. A row without an id is never drawn."""
        hashes = ids.hashes
        rows = np.arange(len(hashes)) if not ids.missing else np.flatnonzero(ids.column.is_valid())
        if len(self.sample) == ROWS:
            drawn = np.flatnonzero(hashes < self.sample.hashes[-1])
        else:
            drawn = np.argpartition(hashes, ROWS)[:ROWS] if len(hashes) > ROWS else np.arange(len(hashes))
        if len(drawn):
            drawn = drawn[np.argsort(hashes[drawn], kind="stable")][:ROWS]
            kept = {name: _values(columns[name].column, rows[drawn]) for name in self._columns if name in columns}
            self.sample = self.sample.merge(RowSample(hashes[drawn], kept))


def _values(column: pa.Array, rows: Integers) -> list[Any]:
    taken = column.take(pa.array(rows))
    if pa.types.is_timestamp(taken.type):
        taken = taken.cast(pa.int64())
    values: list[Any] = taken.to_pylist()
    if pa.types.is_floating(taken.type):  # JSON has no word for what is not finite
        return [value if value is not None and np.isfinite(value) else None for value in values]
    return values
