"""The kernel in NumPy: what is used where the compiled one is missing, and what it is tested against."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trimtab.data.kernel.protocol import (
    FEW,
    FIRST,
    LANES,
    REST_BITS,
    SECOND,
    STEPS,
    TEXT_IN_WORDS,
    Bytes,
    Floats,
    Integers,
    Words,
)

_LOWER_63: Final = np.int64(0x7FFF_FFFF_FFFF_FFFF)
_HALF: Final = np.uint64(32)
_REST: Final = np.uint64((1 << REST_BITS) - 1)
_EXPONENT_OF_REST: Final = 1023 + REST_BITS
"""Exponent that a float64 of 2**50 has; a smaller rest has an exponent smaller by its leading zeros."""
_BLOCK: Final = 1 << 14
"""Texts that are hashed at a time, so that what is made of them stays in the processor's cache."""
_MOST_SLOTS_BITS: Final = 22
_ROUNDS: Final = 3
"""Tables that a key is looked for in before it is compared with others."""


def spread(words: Words) -> Words:
    """A hash of every word, different for different words: fold, multiply, fold, multiply."""
    hashes = words >> _HALF
    hashes ^= words
    hashes *= FIRST
    hashes ^= hashes >> np.uint64(29)
    hashes *= SECOND
    return hashes


def presence(bits: Bytes, first: int, rows: int) -> npt.NDArray[np.bool_]:
    """Whether each row has a value, as Arrow's bits say from ``first`` on."""
    skipped = first % 8
    unpacked = np.unpackbits(bits[first // 8 :], count=skipped + rows, bitorder="little")
    return np.asarray(unpacked.view(np.bool_)[skipped:])


class ArrayKernel:
    """See `trimtab.data.kernel.protocol.Kernel`."""

    name = "numpy"

    def gather(self, values: npt.NDArray[Any], bits: Bytes, first: int) -> npt.NDArray[Any]:
        """The values that are there."""
        held: npt.NDArray[Any] = values[presence(bits, first, len(values))]
        return held

    def extremes(self, values: Floats) -> tuple[float, float]:
        """Smallest and largest."""
        return float(values.min()) + 0.0, float(values.max()) + 0.0  # adding zero turns -0.0 into 0.0

    def mean_and_spread(self, values: Floats) -> tuple[float, float]:
        """Mean and squared distances."""
        mean = _in_lanes(values) / len(values)
        apart = values - mean
        apart *= apart
        return mean, _in_lanes(apart)

    def add_hashes(self, registers: Bytes, hashes: Words) -> None:
        """The registers have seen the values with these hashes too."""
        rest = hashes & _REST
        if lowest := int(registers.min()):  # most hashes are too common to tell anything new
            rare = np.flatnonzero(rest < np.uint64(1 << (REST_BITS - lowest)))
            hashes, rest = hashes[rare], rest[rare]
        index = (hashes >> np.uint64(REST_BITS)).view(np.int64)
        limits = np.uint64(1 << REST_BITS) >> registers.astype(
            np.uint64
        )  # a smaller rest has a rank above the register
        higher = np.flatnonzero(rest < limits.take(index, mode="wrap"))
        exponent = (rest[higher] | np.uint64(1)).view(np.int64).astype(np.float64).view(np.int64) >> 52
        np.maximum.at(registers, index[higher], (_EXPONENT_OF_REST - exponent).astype(np.uint8))

    def add_cells(self, counts: Integers, registers: Bytes, shift: int, lowest: int, values: Floats) -> Floats:
        """The cells are counted; the numbers of no cell are returned."""
        low, width = float(values.min()), len(counts) // 2
        bits = (values if low > 0 else values + 0.0).view(np.int64)  # adding zero turns -0.0 into 0.0
        self.add_hashes(registers, spread(bits.view(np.uint64)))
        places = (bits if low > 0 else bits & _LOWER_63) >> shift
        places -= lowest
        inside = places.view(np.uint64) < width
        if low < 0:
            sign = bits >> 63  # -1 for a negative number, else 0
            sign &= width
            places += sign
        outside = values[:0]
        if not inside.all():
            outside, places = values[~inside], places[inside]
        counts += np.bincount(places, minlength=len(counts))
        return outside

    def count_few(self, values: Floats) -> tuple[Floats, Integers] | None:
        """The different numbers."""
        ordered = np.sort(values) + 0.0
        starts = np.flatnonzero(np.concatenate([[len(ordered) > 0], ordered[1:] != ordered[:-1]])[: len(ordered)])
        return None if len(starts) > FEW else (ordered[starts], np.diff(np.append(starts, len(ordered))))

    def is_within(self, data: Bytes, lowest: Bytes, above: Bytes) -> bool:
        """Whether every byte does."""
        step = len(lowest)
        parts = (data[start : start + step] for start in range(0, len(data), step))
        return all(bool((part - lowest[: len(part)] <= above[: len(part)]).all()) for part in parts)

    def add_places(self, counts: Integers, values: Integers, low: int) -> None:
        """The values are counted."""
        counts += np.bincount(values - low, minlength=len(counts))

    def add_codes(self, counts: Integers, codes: npt.NDArray[np.int32], bits: Bytes | None, first: int) -> int:
        """The codes are counted."""
        held = codes if bits is None else codes[presence(bits, first, len(codes))]
        known = held[(held >= 0) & (held < len(counts))]
        counts += np.bincount(known, minlength=len(counts))
        return len(held) - len(known)

    def fingerprints(self, offsets: npt.NDArray[Any], data: Bytes) -> tuple[Words, Words, int]:
        """Two hashes of every text."""
        lengths = np.diff(offsets).astype(np.int64)
        first, second = ((lengths.astype(np.uint64) + np.uint64(1)) * step for step in STEPS)
        for start in range(0, len(lengths), _BLOCK):
            block = slice(start, start + _BLOCK)
            _add_words((first[block], second[block]), *_spans(offsets[start : start + _BLOCK + 1], data))
        return first, second, int((lengths > TEXT_IN_WORDS).sum())

    def perhaps_repeated(self, keys: Words) -> Integers:
        """Those that share a slot in each of several tables."""
        slots_bits = min(max(len(keys).bit_length() + 1, 8), _MOST_SLOTS_BITS)
        chosen = _in_shared_slots((keys * STEPS[0]) << np.uint64(13), slots_bits)
        hashes = keys[chosen]
        for _ in range(_ROUNDS - 1):
            if not len(chosen):
                break
            hashes = spread(hashes)
            shared = _in_shared_slots(hashes, slots_bits)
            chosen, hashes = chosen[shared], hashes[shared]
        return np.asarray(chosen)


def _in_lanes(values: Floats) -> float:
    whole = len(values) // LANES * LANES
    lanes = np.add.reduce(values[:whole].reshape(-1, LANES), axis=0)
    lanes[: len(values) - whole] += values[whole:]
    return float(np.add.accumulate(lanes)[-1]) + 0.0


def _spans(offsets: npt.NDArray[Any], data: Bytes) -> tuple[Integers, Integers, Bytes]:
    """Start and length of every text in a run of bytes, which goes on for eight bytes after the last text."""
    offsets = offsets.astype(np.int64)
    lengths = np.diff(offsets)
    if len(data) >= offsets[-1] + 8:
        return offsets[:-1], lengths, data
    used = data[offsets[0] : offsets[-1]]
    return offsets[:-1] - offsets[0], lengths, np.concatenate([used, np.zeros(8, np.uint8)])


def _add_words(hashes: tuple[Words, Words], starts: Integers, lengths: Integers, data: Bytes) -> None:
    """Every eight bytes of every text go into its hashes: multiply, fold, multiply, as in MurmurHash (Appleby)."""
    lengths = np.where(lengths > TEXT_IN_WORDS, 0, lengths)
    shortest, longest = int(lengths.min()), int(lengths.max())
    for place in range(0, longest, 8):
        if shortest == longest:
            rows: slice | Integers = slice(None)
            word = np.ndarray((len(starts),), "<u8", data, int(starts[0]) + place, (longest,))
        else:
            rows = np.flatnonzero(lengths > place)
            word = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))[starts[rows] + place]
        word = word << _foreign_bits(place, shortest if shortest == longest else lengths[rows])
        for hashed, step in zip(hashes, STEPS, strict=True):
            folded = hashed[rows]
            folded ^= word
            folded *= step
            folded ^= folded >> _HALF
            folded *= SECOND
            folded ^= folded >> _HALF
            if shortest != longest:
                hashed[rows] = folded


def _foreign_bits(place: int, lengths: int | Integers) -> Words:
    """Bits of the eight bytes from ``place`` on that belong to the next text."""
    return np.asarray(np.maximum(place + 8 - lengths, 0) * 8).astype(np.uint64)


def _in_shared_slots(hashes: Words, slots_bits: int) -> Integers:
    """Places of the hashes whose first bits some other hash has too."""
    slots = (hashes >> np.uint64(64 - slots_bits)).view(np.int64)
    last = np.empty(1 << slots_bits, np.int32)
    places = np.arange(len(hashes), dtype=np.int32)
    last[slots] = places
    overwritten = slots[last.take(slots, mode="wrap") != places]  # a mode other than "raise" needs no second look
    if not len(overwritten):
        return np.zeros(0, np.int64)
    is_shared = np.zeros(1 << slots_bits, bool)
    is_shared[overwritten] = True
    return np.flatnonzero(is_shared.take(slots, mode="wrap"))
