"""JSON Lines: one object a line; a key that a row lacks is missing in that row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Never

from trimtab.data.limits import Limits
from trimtab.data.reading import UNDECLARED, Declared, Reading
from trimtab.data.source import Chunk, RaggedRow, check_column_count
from trimtab.data.streams import Text
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import Column, TextOptions

_BATCH_LINES = 8_192


class JsonLinesSource:
    """A file of JSON objects, one a line. Every column of the contract is in every chunk."""

    is_text = False
    ragged: Sequence[RaggedRow] = ()
    row_groups: Sequence[int] = ()

    def __init__(
        self,
        stream: BinaryIO,
        columns: dict[str, Column],
        limits: Limits,
        declared: Declared | TextOptions = UNDECLARED,
    ) -> None:
        self._limits = limits
        self._columns = tuple(columns)
        self._text = Text(stream, limits)
        self._stream = self._text.open()
        self._names: dict[str, None] = {}
        self._repeated: dict[str, None] = {}
        self._line = 0

    @property
    def reading(self) -> Reading:
        """How the file is written, as far as it was read."""
        return Reading("jsonl", self._text.form, violations=tuple(self._text.form.findings(None)))

    @property
    def names(self) -> Sequence[str]:
        """Every key seen so far, in the order of first sight; one that stood twice in an object is there twice."""
        return (*self._names, *self._repeated)

    def chunks(self) -> Iterator[Chunk]:
        """The rows in lists of values. Raises DataError naming the line that is no JSON object."""
        rows = 0
        while batch := self._batch():
            for entry in batch:
                self._names.update(dict.fromkeys(entry))
            check_column_count(len(self._names), self._limits.columns)
            columns = {name: [entry.get(name) for entry in batch] for name in self._columns}
            yield Chunk(rows + 1, len(batch), columns)
            rows += len(batch)

    def _batch(self) -> list[dict[str, Any]]:
        batch: list[dict[str, Any]] = []
        size = 0
        while len(batch) < _BATCH_LINES and size < self._limits.batch_bytes:
            line = self._stream.readline(self._limits.line_bytes + 1)
            if not line:
                break
            self._line += 1
            size += len(line)
            if len(line) > self._limits.line_bytes:
                self._text.check()
                raise self._error(f"is longer than {self._limits.line_bytes:,} bytes", rule="limits")
            if line.strip():
                batch.append(self._object(line))
        return batch

    def _object(self, line: bytes) -> dict[str, Any]:
        try:
            entry = json.loads(line, parse_constant=refuse_constant, object_pairs_hook=self._unique_keys)
        except (ValueError, RecursionError) as error:
            raise self._error(f"is not JSON: {error}") from error
        if not isinstance(entry, dict):
            raise self._error(f"is a JSON {type(entry).__name__}, not an object")
        return entry

    def _unique_keys(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entry = dict(pairs)
        if len(entry) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            self._repeated.update({key: None for key, count in counts.items() if count > 1})
        return entry

    def _error(self, message: str, rule: str = "readable") -> DataError:
        return DataError(f"line {self._line:,} {message}", rule=rule)


def refuse_constant(name: str) -> Never:
    """Raises ValueError: NaN and Infinity are Python's JSON and nobody else's."""
    raise ValueError(f"{name} is not a JSON number; write null for a missing value")
