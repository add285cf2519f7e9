"""What both kernels do, and what it means."""

from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

LANES: Final = 256
"""Numbers are summed in so many sums side by side, which are then added up from the first to the last."""
INDEX_BITS: Final = 14
REST_BITS: Final = 64 - INDEX_BITS
FEW: Final = 2_048
"""Different numbers of a batch that are counted without sorting."""
TEXT_IN_WORDS: Final = 512
"""Bytes of a text that is hashed by words of eight; a longer one is left to its caller."""
STEPS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
SECOND: Final = np.uint64(0x94D049BB133111EB)


class Kernel(Protocol):
    """Loops over one column of one batch. Arrays are contiguous, of the types named, and not changed unless said so."""

    name: str

    def gather(self, values: npt.NDArray[Any], bits: Bytes, first: int) -> npt.NDArray[Any]:
        """The values, of eight bytes each, whose bits of presence are set, in their order; bits count from ``first``.

        Bit i is bit i % 8 of byte i // 8, as Arrow has it.
        """
        ...

    def extremes(self, values: Floats) -> tuple[float, float]:
        """Smallest and largest of at least one number, never -0.0; both NaN when there is one among them."""
        ...

    def mean_and_spread(self, values: Floats) -> tuple[float, float]:
        """Mean of at least one number, and the sum of the squared distances from it; summed in lanes."""
        ...

    def add_hashes(self, registers: Bytes, hashes: Words) -> None:
        """The HyperLogLog ``registers`` (16,384, changed) have seen the values with these hashes too.

        The first 14 bits of a hash choose the register, the leading zeros of the rest are its rank.
        """
        ...

    def add_cells(self, counts: Integers, registers: Bytes, shift: int, lowest: int, values: Floats) -> Floats:
        """Cells of finite numbers are counted by place, ``registers`` have seen all; those of no cell are returned.

        The cell is the lower 63 bits of the number shifted right, less ``lowest``. ``counts`` (changed) has as many
        places for cells of positive numbers as after them for those of negative ones. -0.0 is taken for 0.0. What is
        returned is this thread's until its next call.
        """
        ...

    def count_few(self, values: Floats) -> tuple[Floats, Integers] | None:
        """The different numbers, rising, and how often each occurs; None when they are more than ``FEW``.

        The values are finite or infinite; -0.0 is taken for 0.0.
        """
        ...

    def is_within(self, data: Bytes, lowest: Bytes, above: Bytes) -> bool:
        """Whether every byte lies between ``lowest`` and ``above`` more, which repeat until the data end."""
        ...

    def add_places(self, counts: Integers, values: Integers, low: int) -> None:
        """Every value less ``low``, a place of ``counts`` (changed), is counted there."""
        ...

    def add_codes(self, counts: Integers, codes: npt.NDArray[np.int32], bits: Bytes | None, first: int) -> int:
        """Every code of a row whose bit of presence is set is counted in ``counts`` (changed); all without ``bits``.

        Returned is how many of them are no places of ``counts``, which are not counted.
        """
        ...

    def fingerprints(self, offsets: npt.NDArray[Any], data: Bytes) -> tuple[Words, Words, int]:
        """Two hashes of every text, and how many texts are too long for them, whose hashes then mean nothing.

        ``offsets`` (int32 or int64) are one more than texts: where in ``data`` each begins and the last one ends.
        """
        ...

    def perhaps_repeated(self, keys: Words) -> Integers:
        """Places, rising, of all keys that stand at another place too, and perhaps of a few more; below 2**31 keys."""
        ...
