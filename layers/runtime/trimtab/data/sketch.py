"""How often each number of a column occurs, in bounded memory, whatever the order and the sharding.

A float64 is mapped to an integer that sorts the same way (its bits, with the lower 63 flipped for negatives). While a
column has at most ``CAPACITY`` distinct numbers, each is counted apart and every figure read from the sketch is exact.
Beyond that the lowest ``shift`` bits are dropped, one more at a time, until the distinct cells fit again. The shift is
the smallest that fits *all* the numbers seen, and a part of the numbers never needs a larger one than the whole, so
merging sketches in any order gives the sketch of the whole, bit for bit.
"""

import base64
import zlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

CAPACITY = 8192
"""Distinct numbers, or cells, that are counted at most: 128 KB a column."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

_LOWER_63 = np.int64(0x7FFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True, eq=False)
class ValueSketch:
    """Counts by number. ``keys`` (int64, rising, unit: cells of ``shift`` dropped bits) and ``counts`` run in step."""

    shift: int
    keys: Integers
    counts: Integers

    @classmethod
    def empty(cls) -> Self:
        """A sketch that has seen nothing."""
        return cls(0, np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Self:
        """The sketch of finite numbers of any shape; integers beyond 2**53 are rounded to the nearest float64."""
        distinct, counts = np.unique(values, return_counts=True)
        keys, counts = _collapse(_to_keys(distinct.astype(np.float64)), counts.astype(np.int64))
        return cls._fitted(0, keys, counts)

    @classmethod
    def _fitted(cls, shift: int, keys: Integers, counts: Integers) -> Self:
        while len(keys) > CAPACITY:
            shift += 1
            keys, counts = _collapse(keys >> 1, counts)
        return cls(shift, keys, counts)

    def merge(self, other: Self) -> Self:
        """The sketch of both sets of numbers together."""
        shift = max(self.shift, other.shift)
        keys = np.concatenate([self.keys >> (shift - self.shift), other.keys >> (shift - other.shift)])
        order = np.argsort(keys, kind="stable")
        return self._fitted(shift, *_collapse(keys[order], np.concatenate([self.counts, other.counts])[order]))

    def at_shift(self, shift: int) -> Self:
        """The same numbers on a grid at least as coarse as ``shift``, so that two sketches can be compared."""
        if shift <= self.shift:
            return self
        keys, counts = _collapse(self.keys >> (shift - self.shift), self.counts)
        return type(self)(shift, keys, counts)

    @property
    def exact(self) -> bool:
        """Whether every distinct number is still counted apart."""
        return self.shift == 0

    @property
    def total(self) -> int:
        """How many numbers were seen."""
        return int(self.counts.sum())

    @property
    def values(self) -> Floats:
        """The numbers themselves while exact; afterwards the lowest number of each cell. Rising."""
        return _from_keys(self.keys << self.shift)

    def quantiles(self, shares: Floats) -> Floats:
        """Quantiles with linear interpolation between ranks (type 7, the default of numpy and R); empty if no numbers.

        ``shares`` are in [0, 1]; the result has their shape, in the column's unit.
        """
        if not len(self.counts):
            return np.zeros(0)
        positions = np.asarray(shares) * (self.total - 1)
        below = np.floor(positions)
        low, high = self._at_rank(below), self._at_rank(np.minimum(below + 1, self.total - 1))
        weight, step = positions - below, high - low
        return np.where(weight >= 0.5, high - step * (1 - weight), low + step * weight)

    def _at_rank(self, ranks: Floats) -> Floats:
        return self.values[np.searchsorted(np.cumsum(self.counts), ranks, side="right")]

    def histogram(self, cuts: Floats) -> Integers:
        """Counts in the ``len(cuts) + 1`` bins between rising cuts; a number equal to a cut is in the upper bin."""
        bins = np.searchsorted(cuts, self.values, side="right")
        return np.bincount(bins, weights=self.counts, minlength=len(cuts) + 1).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON values; the arrays are little-endian int64, zlib-compressed, base64."""
        return {
            "shift": self.shift,
            "keys": _pack(np.diff(self.keys, prepend=np.int64(0))),
            "counts": _pack(self.counts),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The sketch that ``to_json`` wrote."""
        return cls(int(document["shift"]), np.cumsum(_unpack(document["keys"])), _unpack(document["counts"]))


def _to_keys(values: Floats) -> Integers:
    bits = (values + 0.0).view(np.int64)  # adding zero turns -0.0 into 0.0, which is the same number
    return np.where(bits >= 0, bits, bits ^ _LOWER_63)


def _from_keys(keys: Integers) -> Floats:
    return np.where(keys >= 0, keys, keys ^ _LOWER_63).view(np.float64)


def _collapse(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Rising keys without repetition, and the sums of their counts."""
    if not len(keys):
        return keys, counts
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


def _pack(numbers: Integers) -> str:
    return base64.b64encode(zlib.compress(numbers.astype("<i8").tobytes(), 6)).decode("ascii")


def _unpack(text: str) -> Integers:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i8").astype(np.int64)
