"""What files of truth say, looked up by id among millions and in bounded memory.

A file's ids are kept sorted: integers as they are, at eight bytes each, and 128 bits of hash of everything else, by
which two of a hundred million different ids are taken for one with a probability of about 1e-23.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.data.hashing import text_fingerprints

Words = NDArray[np.uint64]
NOWHERE: Final = -1


@dataclass(frozen=True)
class Keys:
    """Ids as one or two words each; ``known`` is False where an id is null."""

    first: Words
    second: Words | None
    """None where the first word is the id itself."""
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, ids: Any) -> "Keys":
        """Of an array or chunked array."""
        flat = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
        known = np.asarray(flat.is_valid())
        if pa.types.is_integer(flat.type):
            return cls(flat.fill_null(0).cast(pa.int64()).to_numpy().view(np.uint64), None, known)
        first, second = text_fingerprints(flat.cast(pa.string()).fill_null(""))
        return cls(first, second, known)

    def order(self) -> NDArray[np.intp]:
        """Positions by rising key; equal ids in the order in which they came."""
        return np.argsort(self.first, kind="stable") if self.second is None else np.lexsort((self.second, self.first))

    def taken(self, rows: NDArray[Any]) -> "Keys":
        """The keys at these positions, or where this says so."""
        second = None if self.second is None else self.second[rows]
        return Keys(self.first[rows], second, self.known[rows])

    def same_as_before(self) -> NDArray[np.bool_]:
        """(n,) Whether each is the same as the one before it; the first is not."""
        same = np.zeros(len(self.first), np.bool_)
        same[1:] = self.first[1:] == self.first[:-1]
        if self.second is not None:
            same[1:] &= self.second[1:] == self.second[:-1]
        return same


@dataclass
class Said:
    """What one file says: each id that it has a label for once, and which of them were met."""

    keys: Keys
    """Rising."""
    labels: pa.Array
    """Null where the file says several things of the id."""
    repeated: int
    """Rows that say the same of an id again."""
    contradictory: int
    """Ids of which it says several things."""
    met: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.met = np.zeros(len(self.labels), np.bool_)

    @classmethod
    def of(cls, tables: Iterable[pa.Table | pa.RecordBatch], label_type: pa.DataType) -> "Said":
        """``tables`` hold ids and labels; rows without either are left out."""
        found, labels = [Keys.of(pa.array([], pa.int64()))], [pa.array([], label_type)]
        for table in tables:
            said = table.filter(pc.and_(pc.is_valid(table.column(0)), pc.is_valid(table.column(1))))
            found.append(Keys.of(said.column(0)))
            labels.append(_flat(said.column(1)).cast(label_type))
        return cls._sorted(_together(found[1:] or found), pa.concat_arrays(labels))

    @classmethod
    def _sorted(cls, keys: Keys, labels: pa.Array) -> "Said":
        order = keys.order()
        keys, labels = keys.taken(order), labels.take(pa.array(order))
        again = keys.same_as_before()
        if not again.any():
            return cls(keys, labels, 0, 0)
        first = ~again
        repeated, several = _judged(again, np.cumsum(first) - 1, labels)
        doubtful = np.zeros(int(first.sum()), np.bool_)
        doubtful[several] = True
        once = pc.if_else(pa.array(doubtful), pa.scalar(None, labels.type), labels.filter(pa.array(first)))
        return cls(keys.taken(first), once, repeated, len(several))

    def places(self, wanted: Keys) -> NDArray[np.intp]:
        """(n,) Where each of ``wanted`` is; NOWHERE when the file does not speak of it. They count as met."""
        place = np.searchsorted(self.keys.first, wanted.first)
        found = self._same_first(place, wanted)
        while self.keys.second is not None and wanted.second is not None:
            other = found.copy()
            other[found] = self.keys.second[place[found]] != wanted.second[found]
            if not other.any():
                break
            place[other] += 1  # another id with the same first word
            found = self._same_first(place, wanted)
        self.met[place[found]] = True
        return np.where(found, place, NOWHERE)

    def _same_first(self, place: NDArray[np.intp], wanted: Keys) -> NDArray[np.bool_]:
        inside = place < len(self.keys.first)
        found: NDArray[np.bool_] = inside & wanted.known
        found[inside] &= self.keys.first[place[inside]] == wanted.first[inside]
        return found

    def recall(self, packed: bytes) -> None:
        """Ids that ``packed`` says were met before count as met."""
        self.met |= np.unpackbits(np.frombuffer(packed, np.uint8), count=len(self.met)).astype(np.bool_)

    def packed(self) -> bytes:
        """Which ids were met, a bit for each in the order of their keys."""
        return np.packbits(self.met).tobytes()

    @property
    def unknown(self) -> int:
        """Ids that were never met."""
        return len(self.met) - int(self.met.sum())

    def account(self) -> dict[str, int]:
        """How many ids the file has, how many of them were never met, how many rows repeat one or contradict it."""
        counts = {"ids": len(self.met), "unknown": self.unknown}
        return {**counts, "repeated": self.repeated, "contradictory": self.contradictory}


def look_up(ids: Any, files: Sequence[Said], label_type: pa.DataType) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Label of each id by the first of ``files`` that speaks of it, and whether any does.

    A label that is null although a file speaks of the id is one that the file contradicts itself about.
    """
    keys = Keys.of(ids)
    labels, spoken = pa.nulls(len(keys.known), label_type), np.zeros(len(keys.known), np.bool_)
    for said in files:
        place = said.places(keys)
        news = (place != NOWHERE) & ~spoken
        labels = pc.if_else(pa.array(news), said.labels.take(pa.array(place, mask=~news)), labels)
        spoken |= news
    return labels, spoken


def _judged(again: NDArray[np.bool_], ids: NDArray[np.intp], labels: pa.Array) -> tuple[int, NDArray[np.intp]]:
    """How many rows say the same of an id again, and numbers of the ids of which several things are said."""
    several = again.copy()
    several[:-1] |= again[1:]
    said = pa.table({"id": ids[several], "label": labels.filter(pa.array(several))})
    once = said.group_by(["id", "label"], use_threads=False).aggregate([])
    counted = once.group_by("id", use_threads=False).aggregate([([], "count_all")])
    doubtful = counted.filter(pc.greater(counted.column("count_all"), 1)).column("id")
    return said.num_rows - once.num_rows, doubtful.to_numpy()


def _together(parts: Sequence[Keys]) -> Keys:
    seconds = [part.second for part in parts if part.second is not None]
    return Keys(
        np.concatenate([part.first for part in parts]),
        np.concatenate(seconds) if seconds else None,
        np.concatenate([part.known for part in parts]),
    )


def _flat(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
