"""How often each number of a column occurs, in bounded memory, whatever the order and the sharding.

A float64 is mapped to an integer that sorts the same way (its bits, with the lower 63 flipped for negatives). While a
column has at most ``CAPACITY`` distinct numbers, each is counted apart and every figure read from the sketch is exact.
Beyond that the lowest ``shift`` bits are dropped, one more at a time, until the distinct cells fit again. The shift is
the smallest that fits *all* the numbers seen, and a part of the numbers never needs a larger one than the whole, so
merging sketches in any order gives the sketch of the whole, bit for bit. No centre or scale has to be agreed on first.

How many distinct numbers a coarse sketch has seen is estimated by HyperLogLog (`trimtab.data.distinct`).
"""

import base64
import zlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from trimtab.data.batch import sorted_counts
from trimtab.data.distinct import Registers, add_hashes, estimate, no_registers
from trimtab.data.hashing import spread

CAPACITY = 8192
"""Distinct numbers, or cells, that are counted at most: 128 KB a column."""
INTEGER_SPAN = 65_536
"""Integers less than this apart are exact, however many there are."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LOWER_63 = np.int64(0x7FFF_FFFF_FFFF_FFFF)


def _no_integers() -> Integers:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class ValueSketch:
    """Counts by number. ``keys`` (int64, rising, unit: cells of ``shift`` dropped bits) and ``counts`` run in step."""

    shift: int = 0
    keys: Integers = field(default_factory=_no_integers)
    counts: Integers = field(default_factory=_no_integers)
    registers: Registers | None = None
    """HyperLogLog of the numbers, once the sketch is coarse."""
    whole: bool = False
    """Whether the numbers are integers."""

    @classmethod
    def of(cls, values: npt.NDArray[Any]) -> Self:
        """The sketch of finite numbers of any shape; integers beyond 2**53 are rounded to the nearest float64."""
        return cls.counted(*sorted_counts(values))

    @classmethod
    def counted(cls, values: npt.NDArray[Any], counts: Integers) -> Self:
        """The sketch of finite numbers that rise, each as often as ``counts`` says."""
        keys, counts = _collapse(to_keys(values.astype(np.float64)), counts)
        return cls(0, keys, counts, whole=values.dtype.kind in "iu").fitted()

    def fitted(self) -> Self:
        """The same sketch with the smallest shift at which its cells fit."""
        if len(self.keys) <= CAPACITY or self._is_narrow:
            return self
        registers = self.hashed() if self.registers is None else self.registers
        dropped = _bits_that_differ((self.keys[1:] ^ self.keys[:-1]).view(np.uint64))
        return type(self)(self.shift + dropped, *_collapse(self.keys >> dropped, self.counts), registers, self.whole)

    @property
    def _is_narrow(self) -> bool:
        if not self.whole or self.shift:
            return False
        low, high = self.values[[0, -1]]
        return bool(high - low < INTEGER_SPAN)

    def hashed(self) -> Registers:
        """HyperLogLog of the numbers; the caller must not change it."""
        if self.registers is not None:
            return self.registers
        registers = no_registers()
        add_hashes(registers, spread(self.values.view(np.uint64)))
        return registers

    def merge(self, other: Self) -> Self:
        """The sketch of both sets of numbers together."""
        shift = max(self.shift, other.shift)
        keys = np.concatenate([self.keys >> (shift - self.shift), other.keys >> (shift - other.shift)])
        order = np.argsort(keys, kind="stable")
        counts = np.concatenate([self.counts, other.counts])[order]
        registers = None if self.exact and other.exact else np.maximum(self.hashed(), other.hashed())
        return type(self)(shift, *_collapse(keys[order], counts), registers, self.whole or other.whole).fitted()

    def at_shift(self, shift: int) -> Self:
        """The same numbers on a grid at least as coarse as ``shift``, so that two sketches can be compared."""
        if shift <= self.shift:
            return self
        keys, counts = _collapse(self.keys >> (shift - self.shift), self.counts)
        return type(self)(shift, keys, counts, self.hashed(), self.whole)

    @property
    def exact(self) -> bool:
        """Whether every distinct number is still counted apart."""
        return self.shift == 0

    @property
    def distinct(self) -> int:
        """How many different numbers were seen: counted while exact, else estimated (standard error 0.8 %)."""
        return len(self.keys) if self.registers is None else estimate(self.registers)

    @property
    def total(self) -> int:
        """How many numbers were seen."""
        return int(self._up_to[-1])

    @cached_property
    def _up_to(self) -> Integers:
        """How many numbers lie before each cell, and in all of them."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def values(self) -> Floats:
        """The numbers themselves while exact; afterwards the lowest number of each cell. Rising."""
        return _from_keys(self.keys << self.shift)

    def share_up_to(self, values: Floats) -> Floats:
        """Share of the numbers that are no larger than each value: the empirical distribution function."""
        shares: Floats = self._up_to[np.searchsorted(self.values, values, side="right")] / self.total
        return shares

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
        """The numbers at these ranks; within a cell of several numbers they are taken to lie evenly."""
        cells = np.searchsorted(self._up_to[1:], ranks, side="right")
        low = self.values[cells]
        if self.exact:
            return low
        width = _from_keys((self.keys[cells] + 1) << self.shift) - low
        return np.asarray(low + width * (ranks - self._up_to[cells] + 0.5) / self.counts[cells])

    def histogram(self, cuts: Floats) -> Integers:
        """Counts in the ``len(cuts) + 1`` bins between rising cuts; a number equal to a cut is in the upper bin."""
        below = self._up_to[np.searchsorted(self.values, cuts, side="left")]
        upper = np.concatenate([below, [self.total]])
        return np.asarray(upper - np.concatenate([[0], below]))

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON values; the arrays are little-endian int64, zlib-compressed, base64."""
        return {
            "shift": self.shift,
            "keys": _pack(np.diff(self.keys, prepend=np.int64(0))),
            "counts": _pack(self.counts),
            "registers": None if self.registers is None else _pack_bytes(self.registers.tobytes()),
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The sketch that ``to_json`` wrote."""
        keys, counts, packed = (document[name] for name in ("keys", "counts", "registers"))
        registers = None if packed is None else np.frombuffer(_unpack_bytes(packed), np.uint8)
        return cls(document["shift"], np.cumsum(_unpack(keys)), _unpack(counts), registers, document["whole"])


def to_keys(values: Floats) -> Integers:
    """An integer for every finite number that sorts the same way."""
    bits = (values + 0.0).view(np.int64)  # adding zero turns -0.0 into 0.0, which is the same number
    return np.where(bits >= 0, bits, bits ^ LOWER_63)


def _from_keys(keys: Integers) -> Floats:
    return np.where(keys >= 0, keys, keys ^ LOWER_63).view(np.float64)


def _bits_that_differ(gaps: npt.NDArray[np.uint64]) -> int:
    """Fewest bits to drop so that fewer than ``CAPACITY`` of the neighbours still differ: they share a cell then."""
    low, high = 0, 64
    while low < high:
        middle = (low + high) // 2
        if np.count_nonzero(gaps >> np.uint64(middle)) < CAPACITY:
            high = middle
        else:
            low = middle + 1
    return low


def _collapse(keys: Integers, counts: Integers) -> tuple[Integers, Integers]:
    """Rising keys without repetition, and the sums of their counts."""
    if not len(keys):
        return keys, counts
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[starts], np.add.reduceat(counts, starts)


def _pack(numbers: Integers) -> str:
    return _pack_bytes(numbers.astype("<i8").tobytes())


def _unpack(text: str) -> Integers:
    return np.frombuffer(_unpack_bytes(text), "<i8").astype(np.int64)


def _pack_bytes(body: bytes) -> str:
    return base64.b64encode(zlib.compress(body, 6)).decode("ascii")


def _unpack_bytes(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text))
