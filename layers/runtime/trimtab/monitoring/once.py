"""Requests that were captured twice are counted once, among millions and in bounded memory.

SageMaker names each request by an id. What is compared is 128 bits of it (two independent 64-bit hashes): of a hundred
million different ids, two are taken for one with a probability of about 1e-23. A request takes 16 bytes.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.monitoring.records import EVENT, ROW

Digests = NDArray[np.uint64]
"""(n, 2): the two hashes of each id."""
_SEEDS: Final = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_FACTORS: Final = (0xFF51AFD7ED558CCD, 0x9FB21C651E98DF25)


def request_digests(tables: Iterable[pa.Table]) -> Digests:
    """Digest of the id of each captured request, in order: tables hold a request's records one after another."""
    found = [digests(table.column(EVENT).filter(pc.equal(table.column(ROW), 0))) for table in tables]
    return np.concatenate([np.zeros((0, 2), np.uint64), *found])


def digests(ids: Any) -> Digests:
    """Digest of each text of an array or chunked array without nulls."""
    chunks = ids.chunks if isinstance(ids, pa.ChunkedArray) else [ids]
    return np.concatenate([np.zeros((0, 2), np.uint64), *(_of_array(chunk) for chunk in chunks)])


def _of_array(ids: pa.Array) -> Digests:
    found = np.zeros((len(ids), 2), np.uint64)
    if not len(ids):
        return found
    ids = pa.concat_arrays([ids])  # an array that begins at its buffers' start
    ends = np.frombuffer(ids.buffers()[1], np.int32, len(ids) + 1)
    text = np.frombuffer(ids.buffers()[2], np.uint8) if ids.buffers()[2] else np.zeros(0, np.uint8)
    lengths = np.diff(ends)
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        letters = np.zeros((len(same), int(length) + -int(length) % 8), np.uint8)
        letters[:, :length] = text[ends[same][:, None] + np.arange(length)]
        found[same] = _of_words(letters.view("<u8"), int(length))
    return found


def _of_words(words: NDArray[np.uint64], length: int) -> Digests:
    found = np.empty((len(words), 2), np.uint64)
    for place, (seed, factor) in enumerate(zip(_SEEDS, _FACTORS, strict=True)):
        mixed = np.full(len(words), seed ^ length, np.uint64)
        for word in words.T:
            mixed = _mix(mixed ^ word, np.uint64(factor))
        found[:, place] = mixed
    return found


def _mix(values: NDArray[np.uint64], factor: np.uint64) -> NDArray[np.uint64]:
    """Each bit in has a say in each bit out (the finaliser of MurmurHash3)."""
    values = (values ^ (values >> np.uint64(33))) * factor
    values = (values ^ (values >> np.uint64(29))) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> np.uint64(32))


def first_of_each(found: Digests, seen: Iterable[Digests] = ()) -> NDArray[np.bool_]:
    """(n,) Whether each is the first with its digest, and in none of ``seen``."""
    ordered = np.sort(found[:, 0])
    known = [np.zeros((0, 2), np.uint64), *(_among(ordered, earlier) for earlier in seen)]
    earlier = np.concatenate(known)
    del ordered, known
    return ~_again(np.concatenate([earlier, found]))[len(earlier) :]


def _among(ordered: NDArray[np.uint64], earlier: Digests) -> Digests:
    """Those whose first hash is one of ``ordered``: few, of many."""
    if not len(ordered):
        return earlier[:0]
    places = np.searchsorted(ordered, earlier[:, 0]).clip(max=len(ordered) - 1)
    among: Digests = earlier[ordered[places] == earlier[:, 0]]
    return among


def _again(pairs: Digests) -> NDArray[np.bool_]:
    """(n,) Whether each has the same two hashes as one before it."""
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for place in (0, 1):
        column = pairs[order, place]
        same &= column[1:] == column[:-1]
    again = np.zeros(len(pairs), np.bool_)
    again[order[1:][same]] = True
    return again


def kept(tables: Iterable[pa.Table], fresh: NDArray[np.bool_]) -> Iterator[pa.Table]:
    """The records of the requests that ``fresh`` names, which counts requests through all tables in order."""
    before = 0
    for table in tables:
        requests = before + np.cumsum(table.column(ROW).to_numpy() == 0) - 1
        chosen = fresh[requests]
        yield table if chosen.all() else table.filter(pa.array(chosen))
        before = int(requests[-1]) + 1 if len(requests) else before
