"""What objects hold, in 64 hexadecimal digits, however large they are.

The digest of an object is its SHA-256. One of more than ``WHOLE_BYTES`` is cut into blocks of ``BLOCK_BYTES``, and its
digest is the SHA-256 of theirs, one after the other: a function could not read it all in the time that it has. Either
way the digest depends on the content alone, so the same content is told whoever reads it, in however many shares.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

GIGABYTE: Final = 1024**3
WHOLE_BYTES: Final = 16 * GIGABYTE
"""Of the largest object that is read in one go: about five minutes at 60 MB/s."""
BLOCK_BYTES: Final = GIGABYTE
"""Both are part of what a digest means: another value would give other digests."""
MOST_SHARES: Final = 1_000
"""Their numbers travel through the state machine."""
_READ_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True)
class Block:
    """Bytes of one object that are hashed in one go."""

    part: int
    """Place of the object among the drop's."""
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start


def blocks_of(part: int, size: int, *, whole: int = WHOLE_BYTES, block: int = BLOCK_BYTES) -> list[Block]:
    """The blocks of an object of ``size`` bytes: one, or as many as it takes."""
    if size <= whole:
        return [Block(part, 0, size)]
    return [Block(part, start, min(start + block, size)) for start in range(0, size, block)]


def shares_of(blocks: Sequence[Block], share: float) -> tuple[tuple[Block, ...], ...]:
    """The blocks in shares of about ``share`` bytes, or of more where there would be more than ``MOST_SHARES``."""
    wanted = max(share, 2 * sum(block.size for block in blocks) / MOST_SHARES)  # any two neighbours hold more
    shares: list[list[Block]] = []
    held = 0.0
    for block in blocks:
        if not shares or held + block.size > wanted:
            shares.append([])
            held = 0.0
        shares[-1].append(block)
        held += block.size
    return tuple(map(tuple, shares))


def sha256_of(stream: BinaryIO, block: Block | None = None) -> str:
    """Hex SHA-256 of a stream, or of a block of it, read in pieces of 4 MB."""
    digest, left = hashlib.sha256(), None
    if block is not None:
        stream.seek(block.start)
        left = block.size
    while piece := stream.read(_READ_BYTES if left is None else min(_READ_BYTES, left)):
        digest.update(piece)
        left = None if left is None else left - len(piece)
    return digest.hexdigest()


def digest_of(blocks: Sequence[str]) -> str:
    """The digest of an object from those of its blocks, in their order."""
    if len(blocks) == 1:
        return blocks[0]
    return hashlib.sha256(b"".join(map(bytes.fromhex, blocks))).hexdigest()


def digest_of_file(path: Path, *, whole: int = WHOLE_BYTES, block: int = BLOCK_BYTES) -> str:
    """The digest of a file of this machine."""
    with path.open("rb") as stream:
        blocks = blocks_of(0, path.stat().st_size, whole=whole, block=block)
        return digest_of([sha256_of(stream, each) for each in blocks])


def joined(blocks: Mapping[Block, str]) -> dict[int, str]:
    """The digest of every object, by its place."""
    ordered = sorted(blocks, key=lambda block: (block.part, block.start))
    parts: dict[int, list[str]] = {}
    for block in ordered:
        parts.setdefault(block.part, []).append(blocks[block])
    return {part: digest_of(digests) for part, digests in parts.items()}
