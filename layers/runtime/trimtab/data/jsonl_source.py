"""JSON Lines: one object a line; a key that a row lacks is missing in that row."""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, Never

from trimtab.data.limits import Limits
from trimtab.data.source import Chunk, RaggedRow, check_column_count
from trimtab.data.streams import plain_bytes
from trimtab.errors import DataError
from trimtab.spec import Column

_BATCH_LINES = 8_192


class JsonLinesSource:
    """A file of JSON objects, one a line, in UTF-8. Every column of the contract is in every chunk."""

    is_text = False
    ragged: Sequence[RaggedRow] = ()

    def __init__(self, stream: BinaryIO, columns: dict[str, Column], limits: Limits) -> None:
        self._limits = limits
        self._columns = tuple(columns)
        self._stream = plain_bytes(stream, limits)
        self._names: dict[str, None] = {}
        self._line = 0

    @property
    def names(self) -> Sequence[str]:
        """Every key seen so far, in the order of first sight."""
        return tuple(self._names)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in lists of values. Raises DataError naming the line that is no JSON object."""
        rows = 0
        objects = self._objects()
        while batch := list(islice(objects, _BATCH_LINES)):
            for entry in batch:
                self._names.update(dict.fromkeys(entry))
            check_column_count(len(self._names), self._limits.columns)
            columns = {name: [entry.get(name) for entry in batch] for name in self._columns}
            yield Chunk(rows + 1, len(batch), columns)
            rows += len(batch)

    def _objects(self) -> Iterator[dict[str, Any]]:
        while line := self._stream.readline(self._limits.line_bytes + 1):
            self._line += 1
            if len(line) > self._limits.line_bytes:
                raise self._error(f"is longer than {self._limits.line_bytes:,} bytes")
            if line.strip():
                yield self._object(line)

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not JSON: {error}") from error
        if not isinstance(entry, dict):
            raise self._error(f"is a JSON {type(entry).__name__}, not an object")
        return entry

    def _error(self, message: str) -> DataError:
        return DataError(f"line {self._line:,} {message}")


def _refuse_constant(name: str) -> Never:
    raise ValueError(f"{name} is not a JSON number; write null for a missing value")
