"""The keys of a data set that others refer to: every value of one column, exactly, small enough to store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Self

import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.errors import DataError

VERSION: Final = 1
LARGEST: Final = 2_000_000
"""Keys that one set may hold."""
_TYPES: Final = {"integer": pa.int64(), "string": pa.string()}


@dataclass(frozen=True)
class KeySet:
    """Distinct keys of one type, in rising order."""

    type: str
    """integer or string."""
    keys: pa.Array

    @classmethod
    def of(cls, type: str, column: pa.Array | pa.ChunkedArray) -> Self:
        """The keys in a column of that type. Raises DataError when there are too many."""
        found = af.unique(column.cast(_TYPES[type])).drop_null()
        if len(found) > LARGEST:
            raise DataError(f"{len(found):,} keys are more than the {LARGEST:,} that a reference may have")
        return cls(type, found.take(af.sort_indices(found)))

    def lacks(self, values: pa.Array) -> pa.Array:
        """For every value whether it is no key; False where it is missing."""
        known = af.is_in(values, value_set=self.keys.cast(values.type))
        return af.and_(af.is_valid(values), af.invert(known))

    def dumps(self) -> bytes:
        """The set as the bytes of a JSON file."""
        document: dict[str, Any] = {"version": VERSION, "type": self.type, "keys": self.keys.to_pylist()}
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """The set that ``dumps`` wrote. Raises DataError for anything else."""
        try:
            document = json.loads(body)
            if document["version"] != VERSION:
                raise DataError(f"keys have version {document['version']}, this code reads {VERSION}: store them again")
            return cls(document["type"], pa.array(document["keys"], _TYPES[document["type"]]))
        except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise DataError(f"the stored keys cannot be read ({error}): store them again") from error
