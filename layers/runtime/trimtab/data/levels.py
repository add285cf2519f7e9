"""How often each level of a category occurs, in bounded memory, whatever the order and the sharding.

While there are at most ``CAPACITY`` levels, each is counted exactly. Beyond that only levels whose 64-bit hash ends in
``depth`` zero bits are kept, with the smallest ``depth`` that fits: a sample of the levels (not of the rows) that any
sharding of the rows agrees on. Rows of levels outside the sample count as "other".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from trimtab.data import arrow_functions as af
from trimtab.data.batch import arrow_integers, numbers_of
from trimtab.data.hashing import Integers, text_hashes

CAPACITY = 20_000
"""Levels that are counted at most."""
PENDING = 100_000
"""Texts that wait to be brought together at most."""
LEVEL_LENGTH = 100
"""Characters of a level that are kept; a longer one is told apart by a hash of its whole text."""


@dataclass(frozen=True)
class LevelCounts:
    """Rows by level; ``total`` also counts the rows of levels outside the sample."""

    depth: int
    total: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Self:
        """The counts of a complete tally."""
        return cls._fitted(0, sum(counts.values()), dict(counts))

    @classmethod
    def counted(cls, texts: pa.Array, counts: Integers, depth: int = 0) -> Self:
        """The counts of texts, of which some may be equal or never occur, in a sample at least as sparse as ``depth``.

        Texts outside the sample never become Python objects, so a column of as many levels as rows stays cheap.
        """
        kept = counts > 0
        if (af.max(af.utf8_length(texts)).as_py() or 0) > LEVEL_LENGTH:
            texts = pa.array([shortened(text) for text in texts.to_pylist()], pa.string())
        if depth and len(texts):
            kept &= _is_sampled(texts, depth)
        levels = af.take(texts, arrow_integers(np.flatnonzero(kept))).to_pylist()
        tally = dict(zip(levels, counts[kept].tolist(), strict=True))
        if len(tally) < len(levels):
            tally = dict.fromkeys(tally, 0)
            for level, count in zip(levels, counts[kept].tolist(), strict=True):
                tally[level] += count
        return cls._fitted(depth, int(counts.sum()), tally)

    @classmethod
    def _fitted(cls, depth: int, total: int, counts: dict[str, int]) -> Self:
        while len(counts) > CAPACITY:
            depth += 1
            counts = _sampled(counts, depth)
        return cls(depth, total, counts)

    def merge(self, other: Self) -> Self:
        """The counts of both sets of rows together."""
        depth = max(self.depth, other.depth)
        merged = dict(self.at_depth(depth).counts)
        for level, count in other.at_depth(depth).counts.items():
            merged[level] = merged.get(level, 0) + count
        return self._fitted(depth, self.total + other.total, merged)

    def at_depth(self, depth: int) -> Self:
        """The same rows seen through a sample at least as sparse as ``depth``, so that two tallies can be compared."""
        return self if depth <= self.depth else type(self)(depth, self.total, _sampled(self.counts, depth))

    @property
    def exact(self) -> bool:
        """Whether every level is still counted."""
        return self.depth == 0

    @property
    def distinct(self) -> int:
        """Number of levels; once there are more than ``CAPACITY``, an estimate from the sample (error about 1 %)."""
        return len(self.counts) << self.depth

    def top(self, limit: int) -> list[tuple[str, int]]:
        """The commonest kept levels with their counts; ties in the order of their text."""
        least = sorted(self.counts.values(), reverse=True)[:limit][-1:]
        common = [item for item in self.counts.items() if item[1] >= least[0]] if least else []
        return sorted(common, key=lambda item: (-item[1], item[0]))[:limit]

    def tally(self, levels: Iterable[str]) -> list[int]:
        """Rows of each of these levels, then rows of all the others."""
        found = [self.counts.get(level, 0) for level in levels]
        return [*found, self.total - sum(found)]

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON values."""
        return {"depth": self.depth, "total": self.total, "counts": dict(sorted(self.counts.items()))}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The counts that ``to_json`` wrote."""
        return cls(int(document["depth"]), int(document["total"]), document["counts"])


class LevelTally:
    """Levels while they stream by; the texts of several batches are brought together before any becomes Python's."""

    def __init__(self) -> None:
        self._done = LevelCounts(0, 0, {})
        self._pending: list[tuple[pa.Array, Integers]] = []
        self._held = 0

    def add(self, texts: pa.Array, counts: Integers) -> None:
        """The next rows: how many have each text."""
        if self._pending and self._pending[-1][0].equals(texts):
            self._pending[-1] = texts, self._pending[-1][1] + counts
            return
        self._pending.append((texts, counts))
        self._held += len(texts)
        if self._held > PENDING:
            self._done, self._pending, self._held = self.counts, [], 0

    @property
    def counts(self) -> LevelCounts:
        """Of all rows so far."""
        if not self._pending:
            return self._done
        texts = pa.chunked_array([af.cast(texts, pa.string()) for texts, _ in self._pending]).combine_chunks()
        coded = af.call("dictionary_encode", texts)
        counts = np.concatenate([counts for _, counts in self._pending])
        summed = np.bincount(numbers_of(coded.indices), weights=counts, minlength=len(coded.dictionary))
        found = LevelCounts.counted(coded.dictionary, summed.astype(np.int64), self._done.depth)
        return self._done.merge(found) if self._done.total else found


def shortened(text: str) -> str:
    """The text as a level: itself unless it is long."""
    if len(text) <= LEVEL_LENGTH:
        return text
    from hashlib import blake2b  # with OpenSSL: some milliseconds that short texts need not pay

    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[:LEVEL_LENGTH]}…{digest}"


def _sampled(counts: Mapping[str, int], depth: int) -> dict[str, int]:
    if not counts:
        return {}
    kept = _is_sampled(pa.array(list(counts), pa.string()), depth).tolist()
    return {level: count for (level, count), keep in zip(counts.items(), kept, strict=True) if keep}


def _is_sampled(texts: pa.Array, depth: int) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    sampled: np.ndarray[Any, np.dtype[np.bool_]] = text_hashes(texts) & np.uint64((1 << depth) - 1) == 0
    return sampled
