"""How often each level of a category occurs, in bounded memory, whatever the order and the sharding.

While there are at most ``CAPACITY`` levels, each is counted exactly. Beyond that only levels whose 64-bit hash ends in
``depth`` zero bits are kept, with the smallest ``depth`` that fits: a sample of the levels (not of the rows) that any
sharding of the rows agrees on. Rows of levels outside the sample count as "other".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

CAPACITY = 20_000
"""Levels that are counted at most."""


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
        return sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))[:limit]

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


def _sampled(counts: Mapping[str, int], depth: int) -> dict[str, int]:
    return {level: count for level, count in counts.items() if _hash(level) % (1 << depth) == 0}


def _hash(level: str) -> int:
    return int.from_bytes(blake2b(level.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
