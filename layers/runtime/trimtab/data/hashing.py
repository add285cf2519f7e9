"""64-bit hashes of numbers and texts: the same on every machine, in every batch and for every sharding."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.kernel import kernel
from trimtab.data.kernel.arrays import spread
from trimtab.data.kernel.protocol import TEXT_IN_WORDS, Bytes, Integers, Words

__all__ = ["Integers", "Words", "spread", "text_buffers", "text_fingerprints", "text_hashes"]

LONGEST_IN_WORDS = TEXT_IN_WORDS
"""Bytes of a text that are hashed by words of eight; a longer text is hashed by BLAKE2b, one by one."""
_WORD_BYTES = 8


def text_hashes(texts: pa.Array) -> Words:
    """A hash of every text; two different texts have the same with a probability of about 2**-64.

    The hash of a missing text means nothing.
    """
    return _hashes(texts, 1)[0]


def text_fingerprints(texts: pa.Array) -> tuple[Words, Words]:
    """Two hashes of every text, together the same for two different texts with a probability of about 2**-128."""
    return _hashes(texts, 2)


def _hashes(texts: pa.Array, count: int) -> tuple[Words, Words]:
    """Two hashes; of a long text only the first ``count`` mean something."""
    offsets, data = text_buffers(texts)
    first, second, too_long = kernel().fingerprints(offsets, data)
    if too_long:
        _hash_long(offsets, data, (first, second)[:count])
    return first, second


def _hash_long(offsets: npt.NDArray[Any], data: Bytes, hashes: tuple[Words, ...]) -> None:
    from hashlib import blake2b  # with OpenSSL: some milliseconds that short texts need not pay

    for row in np.flatnonzero(np.diff(offsets) > LONGEST_IN_WORDS).tolist():
        text = data[offsets[row] : offsets[row + 1]].tobytes()
        digest = blake2b(text, digest_size=_WORD_BYTES * len(hashes)).digest()
        for place, hashed in enumerate(hashes):
            hashed[row] = int.from_bytes(digest[_WORD_BYTES * place :][:_WORD_BYTES], "little")


def text_buffers(texts: pa.Array) -> tuple[npt.NDArray[Any], Bytes]:
    """Where each text begins in the bytes, and where the last one ends."""
    if not len(texts):
        return np.zeros(1, np.int64), np.zeros(0, np.uint8)
    plain = af.cast(texts, pa.large_string()) if pa.types.is_string_view(texts.type) else texts
    _, offsets, data = plain.buffers()
    is_wide = pa.types.is_large_string(plain.type)
    places = np.frombuffer(offsets, np.int64 if is_wide else np.int32)[plain.offset : plain.offset + len(plain) + 1]
    return places, np.frombuffer(data or b"", np.uint8)
