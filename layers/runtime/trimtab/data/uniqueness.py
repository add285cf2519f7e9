"""Exact search for repeated values in one column, at eight bytes of memory a row.

Integers, numbers, booleans and times are kept as they are. Of a text two 64-bit hashes are kept, the second beyond some
rows in a temporary file; it is read only where two first hashes are equal: two different texts among ten million are
taken for one with a probability of 1e-25. Rows are compared a part of the keys at a time, so the search needs little
more memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trimtab.data.batch import ColumnBatch, is_text
from trimtab.data.hashing import Integers, Words
from trimtab.data.kernel import kernel
from trimtab.data.kernel.compiled import room
from trimtab.data.spilled_words import SpilledWords
from trimtab.data.state_file import Tree
from trimtab.data.violation import SHOWN

PART_ROWS = 1 << 20
"""Rows that are compared at once, about."""
_MOST_PARTS = 256
"""As many as a byte can number, so that one more byte a row says in which part its key is."""
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Repeated:
    """Rows whose value stands in an earlier row too: how many, and the first ten, counted from 0 and rising."""

    count: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class _Part:
    """The keys of one batch; ``present`` says, eight rows a byte, which rows have one (all when None)."""

    first_row: int
    keys: Words
    present: npt.NDArray[np.uint8] | None

    @property
    def rows(self) -> Integers:
        if self.present is None:
            return np.arange(self.first_row, self.first_row + len(self.keys))
        return np.flatnonzero(np.unpackbits(self.present)) + self.first_row


class UniqueValues:
    """The values of one column seen so far."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._rows = 0
        self._second = SpilledWords()
        """Second hashes of all texts, in the order of the keys."""

    def add(self, batch: ColumnBatch) -> None:
        """The next rows of the column; missing values are never repetitions."""
        keys = self._keys(batch)
        present = np.packbits(batch.valid) if batch.missing else None
        self._parts.append(_Part(self._rows, keys, present))
        self._rows += len(batch)

    def merge(self, other: "UniqueValues") -> None:
        """The rows of ``other`` follow."""
        self._parts += [_Part(part.first_row + self._rows, part.keys, part.present) for part in other._parts]
        self._rows += other._rows
        self._second.extend(other._second)

    def state(self) -> Tree:
        """Keys, presence and second hashes, for a file."""
        second = self._second.all()
        parts = [[part.first_row, part.keys, part.present] for part in self._parts]
        return {"rows": self._rows, "parts": parts, "second": second}

    def take(self, state: Tree) -> None:
        """Only the rows whose ``state`` this is have been seen. Keys stay in the file and are read when needed."""
        self._rows = state["rows"]
        self._parts = [_Part(*part) for part in state["parts"]]
        self._second.append(state["second"])

    def _keys(self, batch: ColumnBatch) -> Words:
        if not is_text(batch.column.type):
            return batch.words
        first, second = batch.fingerprints
        self._second.append(second)
        return first

    def repeated(self) -> Repeated:
        """The repetitions among all rows."""
        total = sum(len(part.keys) for part in self._parts)
        parts = min(1 << (total // PART_ROWS).bit_length(), _MOST_PARTS) if total > PART_ROWS else 1
        count, first = 0, np.zeros(0, np.int64)
        for keys, places in self._split(parts):
            chosen = kernel().perhaps_repeated(keys)
            again = self._places_repeated(keys[chosen], chosen if places is None else places[chosen])
            count += len(again)
            first = np.sort(np.concatenate([first, again]))[:SHOWN]
        return Repeated(count, tuple(self._row_of(first).tolist()))

    def _split(self, parts: int) -> Iterator[tuple[Words, Integers | None]]:
        """Keys and their places among all keys (None: in their order), part by part; equal keys are in one part."""
        if parts == 1:
            keys = [part.keys for part in self._parts]
            whole: Words = room(sum(map(len, keys)), np.uint64)
            yield np.concatenate(keys, out=whole) if keys else whole, None
            return
        shift = np.uint64(64 - (parts.bit_length() - 1))
        owners = [((part.keys * _MULTIPLIER) >> shift).astype(np.uint8) for part in self._parts]
        starts = np.cumsum([0, *(len(owner) for owner in owners)]).tolist()
        for chosen in range(parts):
            places = [np.flatnonzero(owner == chosen) for owner in owners]
            keys = [part.keys[mine] for part, mine in zip(self._parts, places, strict=True)]
            yield (
                np.concatenate(keys),
                np.concatenate([mine + start for mine, start in zip(places, starts, strict=False)]),
            )

    def _places_repeated(self, keys: Words, places: Integers) -> Integers:
        """Places, among the given ones, whose key and second hash stand at an earlier place too."""
        order = np.argsort(keys, kind="stable")
        keys, places = keys[order], places[order]
        same = keys[1:] == keys[:-1]
        if not same.any() or not len(second := self._second.all()):
            return np.asarray(places[1:][same])
        alike = np.flatnonzero(np.concatenate([same, [False]]) | np.concatenate([[False], same]))
        keys, places = keys[alike], places[alike]
        second = np.asarray(second[places], np.uint64)
        order = np.lexsort((places, second, keys))
        keys, second, places = keys[order], second[order], places[order]
        return np.asarray(places[1:][(keys[1:] == keys[:-1]) & (second[1:] == second[:-1])])

    def _row_of(self, places: Integers) -> Integers:
        starts = np.cumsum([0, *(len(part.keys) for part in self._parts)])
        homes = np.searchsorted(starts, places, side="right") - 1
        rows = [self._parts[home].rows[place - starts[home]] for home, place in zip(homes, places, strict=True)]
        return np.array(rows, np.int64)
