"""64-bit hashes of numbers and texts: the same on every machine, in every batch and for every sharding."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Words = npt.NDArray[np.uint64]
Integers = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

LONGEST_IN_WORDS = 512
"""Bytes of a text that are hashed by words of eight; a longer text is hashed by BLAKE2b, one by one."""
_BLOCK = 1 << 14
"""Texts that are hashed at a time, so that what is made of them stays in the processor's cache."""

_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_STEPS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93))
_HALF = np.uint64(32)


def spread(words: Words) -> Words:
    """A hash of every word, different for different words: fold, multiply, fold, multiply."""
    hashes = words >> _HALF
    hashes ^= words
    hashes *= _FIRST
    hashes ^= hashes >> np.uint64(29)
    hashes *= _SECOND
    return hashes


def text_hashes(texts: pa.Array) -> Words:
    """A hash of every text; two different texts have the same with a probability of about 2**-64.

    The hash of a missing text means nothing.
    """
    return _hashes(texts, _STEPS[:1])[0]


def text_fingerprints(texts: pa.Array) -> tuple[Words, Words]:
    """Two hashes of every text, together the same for two different texts with a probability of about 2**-128."""
    first, second = _hashes(texts, _STEPS)
    return first, second


def _hashes(texts: pa.Array, steps: Sequence[np.uint64]) -> list[Words]:
    blocks = [_of_block(texts[start : start + _BLOCK], steps) for start in range(0, max(len(texts), 1), _BLOCK)]
    return [np.concatenate(parts) for parts in zip(*blocks, strict=True)]


def _of_block(texts: pa.Array, steps: Sequence[np.uint64]) -> list[Words]:
    starts, lengths, data = _spans(texts)
    hashes = [(lengths.astype(np.uint64) + np.uint64(1)) * step for step in steps]
    if len(lengths):
        _add_words(hashes, steps, starts, np.where(lengths > LONGEST_IN_WORDS, 0, lengths), data)
    for row in np.flatnonzero(lengths > LONGEST_IN_WORDS).tolist():
        from hashlib import blake2b  # with OpenSSL: some milliseconds that short texts need not pay

        digest = blake2b(data[starts[row] : starts[row] + lengths[row]].tobytes(), digest_size=8 * len(steps)).digest()
        for place, hashed in enumerate(hashes):
            hashed[row] = int.from_bytes(digest[8 * place : 8 * place + 8], "little")
    return hashes


def _add_words(
    hashes: list[Words], steps: Sequence[np.uint64], starts: Integers, lengths: Integers, data: Bytes
) -> None:
    """Every eight bytes of every text go into its hashes: multiply, fold, multiply, as in MurmurHash (Appleby)."""
    shortest, longest = int(lengths.min()), int(lengths.max())
    for place in range(0, longest, 8):
        if shortest == longest:
            rows: slice | Integers = slice(None)
            word = np.ndarray((len(starts),), "<u8", data, int(starts[0]) + place, (longest,))
        else:
            rows = np.flatnonzero(lengths > place)
            word = np.ndarray((len(data) - 7,), "<u8", data, strides=(1,))[starts[rows] + place]
        word = word << _foreign_bits(place, shortest if shortest == longest else lengths[rows])
        for hashed, step in zip(hashes, steps, strict=True):
            folded = hashed[rows]
            folded ^= word
            folded *= step
            folded ^= folded >> _HALF
            folded *= _SECOND
            folded ^= folded >> _HALF
            if shortest != longest:
                hashed[rows] = folded


def _foreign_bits(place: int, lengths: int | Integers) -> Words:
    """Bits of the eight bytes from ``place`` on that belong to the next text."""
    return np.asarray(np.maximum(place + 8 - lengths, 0) * 8).astype(np.uint64)


def _spans(texts: pa.Array) -> tuple[Integers, Integers, Bytes]:
    """Start and length of every text in a run of bytes, which goes on for eight bytes after the last text."""
    if not len(texts):
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(8, np.uint8)
    plain = texts.cast(pa.large_string()) if pa.types.is_string_view(texts.type) else texts
    _, offsets_buffer, data_buffer = plain.buffers()
    width = np.int64 if pa.types.is_large_string(plain.type) else np.int32
    offsets = np.frombuffer(offsets_buffer, width)[plain.offset : plain.offset + len(plain) + 1].astype(np.int64)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    lengths = np.diff(offsets)
    if len(data) >= offsets[-1] + 8:
        return offsets[:-1], lengths, data
    used = data[offsets[0] : offsets[-1]]
    return offsets[:-1] - offsets[0], lengths, np.concatenate([used, np.zeros(8, np.uint8)])
