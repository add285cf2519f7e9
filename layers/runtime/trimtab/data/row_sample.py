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
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.batch import ColumnBatch, arrow_integers, is_text, numbers_of, without_gaps
from trimtab.data.hashing import Words

ROWS: Final = 1_000


def _no_words() -> Words:
    return np.zeros(0, np.uint64)


class RowSample:
    """Rows by rising hash. A column has numbers, texts, booleans or instants (microseconds), None where missing."""

    def __init__(self, hashes: Words | None = None, columns: Mapping[str, list[Any]] | None = None) -> None:
        self._rows = (_no_words() if hashes is None else hashes, columns or {})
        self._packed: str | None = None
        """What JSON had, until somebody asks for a row: few do, and it would take longer than the rest of a profile."""

    @property
    def hashes(self) -> Words:
        """Of the rows' ids, rising."""
        return self._unpacked()[0]

    @property
    def columns(self) -> Mapping[str, list[Any]]:
        """Their values."""
        return self._unpacked()[1]

    def _unpacked(self) -> tuple[Words, Mapping[str, list[Any]]]:
        if self._packed is not None:
            document = json.loads(zlib.decompress(base64.b64decode(self._packed)))
            self._rows, self._packed = (np.array(document["hashes"], np.uint64), document["columns"]), None
        return self._rows

    def __len__(self) -> int:
        return len(self.hashes)

    def merge(self, other: Self) -> Self:
        """The sample of both sets of rows; a column that either lacks is left out."""
        if not len(self) or not len(other):
            return (self if len(self) else other).ordered()
        hashes = np.concatenate([self.hashes, other.hashes])
        both = {name: values + other.columns[name] for name, values in self.columns.items() if name in other.columns}
        return type(self)(hashes, both).ordered()

    def ordered(self) -> Self:
        """The same rows by rising hash, and no more than may be kept."""
        order = np.argsort(self.hashes, kind="stable")[:ROWS]
        return type(self)(
            self.hashes[order], {name: [values[i] for i in order] for name, values in self.columns.items()}
        )

    def to_json(self) -> str:
        """The sample as compressed text."""
        if self._packed is not None:
            return self._packed
        body = json.dumps({"hashes": self.hashes.tolist(), "columns": dict(self.columns)}, separators=(",", ":"))
        return base64.b64encode(zlib.compress(body.encode())).decode("ascii")

    @classmethod
    def from_json(cls, packed: str) -> Self:
        """The sample that ``to_json`` wrote."""
        sample = cls()
        sample._packed = packed
        return sample


class SampleTally:
    """The sample of rows that stream by; they become Python's only at the end."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self._hashes = _no_words()
        self._drawn: list[tuple[Words, dict[str, pa.Array]]] = []

    def add(self, ids: ColumnBatch, columns: Mapping[str, ColumnBatch]) -> None:
        """The next rows: their ids, and the columns they have. A row without an id is never drawn."""
        hashes = ids.hashes
        if len(self._hashes) == ROWS:
            drawn = np.flatnonzero(hashes < self._hashes[-1])
        else:
            drawn = np.argpartition(hashes, ROWS)[:ROWS] if len(hashes) > ROWS else np.arange(len(hashes))
        if not len(drawn):
            return
        self._hashes = np.sort(np.concatenate([self._hashes, hashes[drawn]]))[:ROWS]
        rows = drawn if not ids.missing else np.flatnonzero(ids.valid)[drawn]
        places = arrow_integers(rows)
        found = [name for name in self._columns if name in columns]
        self._drawn.append((hashes[drawn], {name: _taken(columns[name].column, places) for name in found}))

    @property
    def sample(self) -> RowSample:
        """Of all rows so far."""
        if not self._drawn:
            return RowSample()
        hashes = np.concatenate([hashes for hashes, _ in self._drawn])
        order = np.argsort(hashes, kind="stable")[:ROWS]
        names = [name for name in self._columns if all(name in columns for _, columns in self._drawn)]
        parts = {name: pa.chunked_array([columns[name] for _, columns in self._drawn]) for name in names}
        return RowSample(
            hashes[order],
            {name: _values(af.take(part, arrow_integers(order)).combine_chunks()) for name, part in parts.items()},
        )


def _taken(column: pa.Array, places: pa.Array) -> pa.Array:
    """The rows at some places alone: rows of a dictionary would keep all of it, for every batch of the drop."""
    return af.decoded(af.take(column, places))


def _values(column: pa.Array) -> list[Any]:
    if is_text(column.type) or pa.types.is_boolean(column.type):
        texts: list[Any] = column.to_pylist()
        return texts
    batch = ColumnBatch(column)
    numbers = numbers_of(without_gaps(column))
    values: list[Any] = numbers.tolist()
    for row in np.flatnonzero(
        ~(batch.valid & np.isfinite(numbers))
    ).tolist():  # JSON has no word for what is not finite
        values[row] = None
    return values
