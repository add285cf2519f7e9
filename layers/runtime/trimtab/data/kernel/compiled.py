"""The kernel in C (layers/columnar/kernel/columns.c), called through ctypes."""

import ctypes
import threading
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data.kernel.protocol import FEW, Bytes, Floats, Integers, Words

VERSION: Final = 3
"""Of the functions and what they take; the library says its own."""
_CHECKSUM_BYTES: Final = 4
_BUCKET_KEYS: Final = 1_024
"""Keys of a bucket, about; the library's tables take up to twice as many."""
_BUCKET_SLOTS: Final = 4_096
_MOST_BUCKET_BITS: Final = 16
_FEW_SLOTS: Final = 4_096
"""Of the library's table of few different numbers; twice as many as there may be."""

_POINTER, _COUNT = ctypes.c_void_p, ctypes.c_int64
_FUNCTIONS: Final[dict[str, tuple[Any, ...]]] = {
    "gather": (_POINTER, _POINTER, _COUNT, _COUNT, _POINTER),
    "extremes": (_POINTER, _COUNT, _POINTER),
    "mean_and_spread": (_POINTER, _COUNT, _POINTER),
    "add_hashes": (_POINTER, _POINTER, _COUNT),
    "add_cells": (_POINTER, _POINTER, _COUNT, _COUNT, _COUNT, _POINTER, _COUNT, _POINTER),
    "count_few": (_POINTER, _COUNT, _COUNT, _POINTER, _POINTER),
    "outside_runs": (_POINTER, _COUNT, _POINTER, _POINTER, _COUNT),
    "add_places": (_POINTER, _POINTER, _COUNT, _COUNT),
    "add_codes": (_POINTER, _COUNT, _POINTER, _POINTER, _COUNT, _COUNT),
    "fingerprints": (_POINTER, _COUNT, _POINTER, _COUNT, _POINTER, _POINTER),
    "perhaps_repeated": (_POINTER, _COUNT, _COUNT, _POINTER, _POINTER, _POINTER, _POINTER, _POINTER),
}


class DamagedLibraryError(Exception):
    """Raised when a file is no library that can be called; says why."""


class CompiledKernel:
    """See `trimtab.data.kernel.protocol.Kernel`."""

    name = "compiled"

    def __init__(self, path: Path) -> None:
        """The library is loaded. Raises DamagedLibraryError before any of its code could run."""
        _check_bytes(path)
        self._own = threading.local()
        try:
            self._library = ctypes.CDLL(str(path))
            if (version := self._library.kernel_version()) != VERSION:
                raise DamagedLibraryError(f"it is of version {version} and version {VERSION} is needed")
            for name, arguments in _FUNCTIONS.items():
                function = getattr(self._library, name)
                function.argtypes, function.restype = arguments, _COUNT
        except (OSError, AttributeError) as error:
            raise DamagedLibraryError(str(error)) from error

    def gather(self, values: npt.NDArray[Any], bits: Bytes, first: int) -> npt.NDArray[Any]:
        """The values that are there."""
        held = room(len(values), values.dtype)
        return held[: self._library.gather(_at(values), _at(bits), first, len(values), _at(held))]

    def extremes(self, values: Floats) -> tuple[float, float]:
        """Smallest and largest."""
        found = (ctypes.c_double * 2)()
        self._library.extremes(_at(values), len(values), found)
        return found[0], found[1]

    def mean_and_spread(self, values: Floats) -> tuple[float, float]:
        """Mean and squared distances."""
        found = (ctypes.c_double * 2)()
        self._library.mean_and_spread(_at(values), len(values), found)
        return found[0], found[1]

    def add_hashes(self, registers: Bytes, hashes: Words) -> None:
        """The registers have seen the values with these hashes too."""
        self._library.add_hashes(_at(registers), _at(hashes), len(hashes))

    def add_cells(self, counts: Integers, registers: Bytes, shift: int, lowest: int, values: Floats) -> Floats:
        """The cells are counted; the numbers of no cell are returned, which stand until the next call."""
        outside = self._scratch(len(values))
        width, rows = len(counts) // 2, len(values)
        left = self._library.add_cells(
            _at(counts), _at(registers), shift, lowest, width, _at(values), rows, _at(outside)
        )
        return outside[:left]

    def _scratch(self, count: int) -> Floats:
        """This thread's room for numbers that nobody keeps, used again for the next."""
        held: Floats | None = getattr(self._own, "numbers", None)
        if held is None or len(held) < count:
            held = self._own.numbers = np.empty(count)
        return held

    def count_few(self, values: Floats) -> tuple[Floats, Integers] | None:
        """The different numbers."""
        numbers, counts = np.empty(_FEW_SLOTS), np.zeros(_FEW_SLOTS, np.int64)
        if self._library.count_few(_at(values), len(values), FEW, _at(numbers), _at(counts)) < 0:
            return None
        used = np.flatnonzero(counts)
        rising = used[np.argsort(numbers[used])]
        return numbers[rising], counts[rising]

    def is_within(self, data: Bytes, lowest: Bytes, above: Bytes) -> bool:
        """Whether every byte does."""
        return not self._library.outside_runs(_at(data), len(data), _at(lowest), _at(above), len(lowest))

    def add_places(self, counts: Integers, values: Integers, low: int) -> None:
        """The values are counted."""
        self._library.add_places(_at(counts), _at(values), len(values), low)

    def add_codes(self, counts: Integers, codes: npt.NDArray[np.int32], bits: Bytes | None, first: int) -> int:
        """The codes are counted."""
        present = None if bits is None else _at(bits)
        foreign: int = self._library.add_codes(_at(counts), len(counts), _at(codes), present, first, len(codes))
        return foreign

    def fingerprints(self, offsets: npt.NDArray[Any], data: Bytes) -> tuple[Words, Words, int]:
        """Two hashes of every text."""
        rows = len(offsets) - 1
        first, second = (room(rows, np.uint64) for _ in range(2))
        wide = int(offsets.itemsize == 8)
        too_long = self._library.fingerprints(_at(offsets), wide, _at(data), rows, _at(first), _at(second))
        return first, second, too_long

    def perhaps_repeated(self, keys: Words) -> Integers:
        """Those equal to another one in their bucket; all of an overfull bucket."""
        hashes, slots = room(len(keys), np.uint64), np.empty(_BUCKET_SLOTS, np.uint16)
        if not self._repeated(keys, hashes, slots, None, None):
            return np.zeros(0, np.int64)
        places, again = np.empty(len(keys), np.int32), np.zeros(len(keys), np.uint8)
        self._repeated(keys, hashes, slots, _at(places), _at(again))
        return np.flatnonzero(again)

    def _repeated(self, keys: Words, hashes: Words, slots: npt.NDArray[Any], *named: int | None) -> int:
        """How many candidates there are."""
        bits = min((len(keys) // _BUCKET_KEYS).bit_length(), _MOST_BUCKET_BITS)
        starts = np.zeros((1 << bits) + 1, np.int64)
        found: int = self._library.perhaps_repeated(
            _at(keys), len(keys), bits, _at(starts), _at(hashes), _at(slots), *named
        )
        return found


def _check_bytes(path: Path) -> None:
    """A library that was cut off would be loaded and end the process at the first missing byte."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise DamagedLibraryError(str(error)) from error
    library, checksum = body[:-_CHECKSUM_BYTES], body[-_CHECKSUM_BYTES:]
    if zlib.crc32(library).to_bytes(_CHECKSUM_BYTES, "little") != checksum:  # as stacks.kernel wrote it
        raise DamagedLibraryError("its checksum is not that of its bytes")


def room(count: int, held: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array of anything, in Arrow's memory: Python's is given back to the system after every column."""
    kind = np.dtype(held)
    return np.frombuffer(pa.allocate_buffer(count * kind.itemsize), kind)


def _at(array: npt.NDArray[Any]) -> int:
    """Where the values of a contiguous array begin; quicker than ``array.ctypes``."""
    address: int = array.__array_interface__["data"][0]
    return address
