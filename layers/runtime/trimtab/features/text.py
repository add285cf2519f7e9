"""The hashing trick: counts of words or runs of characters in a fixed number of columns."""

import math
import re
import unicodedata
import zlib
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from trimtab.features.block import Block
from trimtab.features.step import Json, Options, Step

_WORD: Final = re.compile(r"\w+")
_MIX: Final = 0x9E3779B1
"""Knuth's multiplier, 2^32 over the golden ratio: spreads CRC-32's linear patterns over the upper bits."""
_BITS: Final = 0xFFFFFFFF


def stable_hash(token: str) -> int:
    """32 bits that are the same in every process, platform and version."""
    mixed = (zlib.crc32(token.encode("utf-8", "surrogatepass")) * _MIX) & _BITS
    return ((mixed ^ (mixed >> 15)) * _MIX) & _BITS


class Hash(Step):
    """Columns ``name#0`` and so on; a missing text is all zeros. Case and ways to write one character do not count."""

    name = "hash"

    def __init__(self, options: Options, state: Json) -> None:
        super().__init__(options, state)
        self._width = int(options["columns"])

    def apply(self, block: Block) -> Block:
        parts = [self._matrix(values) for values in block.levels()]
        names = [f"{name}#{place}" for name in block.names for place in range(self._width)]
        return block.with_numbers(parts[0] if len(parts) == 1 else np.hstack(parts), names)

    def _matrix(self, values: list[Any]) -> "np.ndarray[Any, np.dtype[np.float64]]":
        """Equal texts are hashed once."""
        made = np.zeros((len(values), self._width), dtype=np.float64)
        found: dict[Any, list[float]] = {}
        for row, value in enumerate(values):
            if value is not None:
                if value not in found:
                    found[value] = self._vector(str(value))
                made[row] = found[value]
        return made

    def _vector(self, text: str) -> list[float]:
        counts = [0.0] * self._width
        for token in self._tokens(unicodedata.normalize("NFC", text).casefold()):
            code = stable_hash(token)
            counts[(code >> 1) % self._width] += -1.0 if self.options["signed"] and code & 1 else 1.0
        size = math.sqrt(sum(count * count for count in counts)) if self.options["norm"] == "l2" else 0.0
        return [count / size for count in counts] if size else counts

    def _tokens(self, text: str) -> Iterator[str]:
        if self.options["by"] == "token":
            yield from _WORD.findall(text)
            return
        shortest, longest = self.options["runs"]
        for length in range(shortest, longest + 1):
            for start in range(len(text) - length + 1):
                yield text[start : start + length]
