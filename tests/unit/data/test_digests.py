"""The digest of an object depends on what it holds, not on who reads it and in how many shares."""

import hashlib
import io
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.data.digests import (
    BLOCK_BYTES,
    GIGABYTE,
    MOST_SHARES,
    WHOLE_BYTES,
    Block,
    blocks_of,
    digest_of,
    digest_of_file,
    joined,
    sha256_of,
    shares_of,
)


def digests(bodies: list[bytes], share: float, whole: int, block: int) -> dict[int, str]:
    """Of all bodies, hashed in shares that come back in any order."""
    blocks = [
        found for part, body in enumerate(bodies) for found in blocks_of(part, len(body), whole=whole, block=block)
    ]
    shares = list(shares_of(blocks, share))
    random.Random(0).shuffle(shares)
    return joined({found: sha256_of(io.BytesIO(bodies[found.part]), found) for each in shares for found in each})


@given(
    bodies=st.lists(st.binary(max_size=200), min_size=1, max_size=5),
    share=st.integers(1, 400),
    whole=st.integers(1, 100),
    block=st.integers(1, 50),
)
def test_any_shares_give_the_digest_that_the_content_has(
    bodies: list[bytes], share: int, whole: int, block: int
) -> None:
    found = digests(bodies, share, whole, block)
    for part, body in enumerate(bodies):
        if len(body) <= whole:
            assert found[part] == hashlib.sha256(body).hexdigest()
        else:
            pieces = [hashlib.sha256(body[start : start + block]).digest() for start in range(0, len(body), block)]
            assert found[part] == digest_of([piece.hex() for piece in pieces])
            assert len(pieces) == 1 or found[part] == hashlib.sha256(b"".join(pieces)).hexdigest()


def test_an_object_is_read_in_one_go_up_to_sixteen_gigabytes_and_in_blocks_beyond() -> None:
    assert blocks_of(0, WHOLE_BYTES) == [Block(0, 0, WHOLE_BYTES)]
    blocks = blocks_of(3, WHOLE_BYTES + 1)
    assert [block.size for block in blocks] == [BLOCK_BYTES] * 16 + [1]
    assert blocks[-1].end == WHOLE_BYTES + 1
    assert blocks_of(0, 0) == [Block(0, 0, 0)]


@pytest.mark.parametrize("sizes", [[500 * GIGABYTE], [5] * 10_000, [3 * GIGABYTE] * 5_000])
def test_there_are_never_more_shares_than_a_machine_can_hold(sizes: list[int]) -> None:
    blocks = [block for part, size in enumerate(sizes) for block in blocks_of(part, size)]
    shares = shares_of(blocks, GIGABYTE / 8)
    assert len(shares) <= MOST_SHARES
    assert [block for share in shares for block in share] == blocks


def test_a_file_has_the_digest_of_an_object_of_the_same_bytes(tmp_path: Path) -> None:
    path, body = tmp_path / "rows", bytes(range(256)) * 3
    path.write_bytes(body)
    assert digest_of_file(path) == hashlib.sha256(body).hexdigest()
    assert digest_of_file(path, whole=100, block=50) == digests([body], 1, 100, 50)[0] != digest_of_file(path)
