"""Exact search for repeated values in one column, at nine bytes a row.

Integers, numbers, booleans and times are kept as they are. Of text, a 64-bit multilinear hash (Lemire and Kaser 2014)
is kept: two different texts among a million collide with a probability of 3e-8.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data.coerce import NO_ROWS, Rows

Words = npt.NDArray[np.uint64]


class UniqueValues:
    """The values of one column seen so far."""

    def __init__(self) -> None:
        self._keys: list[npt.NDArray[np.int64]] = []
        self._present: list[npt.NDArray[np.bool_]] = []

    def add(self, column: pa.Array) -> None:
        """The next rows of the column; missing values are never repetitions."""
        self._present.append(column.is_valid().to_numpy(zero_copy_only=False))
        self._keys.append(_keys(column))

    def repeated_rows(self) -> Rows:
        """Indices, counted from 0 over all rows and rising, of values that stand in an earlier row too."""
        if not self._keys:
            return NO_ROWS
        rows = np.flatnonzero(np.concatenate(self._present))
        keys = np.concatenate(self._keys)[rows]
        order = np.argsort(keys, kind="stable")
        again = keys[order][1:] == keys[order][:-1]
        return np.sort(rows[order[1:][again]])


def _keys(column: pa.Array) -> npt.NDArray[np.int64]:
    if pa.types.is_dictionary(column.type):
        hashes = _keys(column.dictionary)
        return hashes[column.indices.fill_null(0).to_numpy()] if len(hashes) else np.zeros(len(column), np.int64)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _hashes(column.cast(pa.large_string())).view(np.int64)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    return np.ascontiguousarray(column.fill_null(0).to_numpy(zero_copy_only=False)).view(np.int64)


def _hashes(texts: pa.Array) -> Words:
    """A hash of every text: the sum of weight by position times byte, plus one for the length, modulo 2**64."""
    _, offsets_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    data = np.frombuffer(data_buffer or b"", np.uint8)[offsets[0] : offsets[-1]].astype(np.uint64)
    lengths, starts = np.diff(offsets), offsets[:-1] - offsets[0]
    positions = np.arange(len(data)) - np.repeat(starts, lengths)
    longest = int(lengths.max(initial=0))
    summed = np.concatenate([np.zeros(1, np.uint64), np.cumsum(data * _weights(longest + 1)[positions + 1])])
    hashes: Words = summed[offsets[1:] - offsets[0]] - summed[starts] + lengths.astype(np.uint64) * _weights(1)[0]
    return hashes


@lru_cache(maxsize=8)
def _weights(count: int) -> Words:
    """``count`` fixed odd 64-bit words: the sequence of splitmix64 (Steele, Lea and Flood 2014)."""
    word = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    weights: Words = (word ^ (word >> np.uint64(31))) | np.uint64(1)
    return weights
