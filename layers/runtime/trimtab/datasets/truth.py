"""Labels that came after their rows, looked up by id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.datasets.recipe import BIT
from trimtab.datasets.sources import Source

NONE = -1


@dataclass(frozen=True)
class Truth:
    """All known labels; where two files speak of one id, the file accepted later counts.

    Where one file says two things of one id, the id's label is unknown until a later file says one thing.
    """

    ids: pa.Array
    labels: pa.Array
    """0 or 1, a class or a number; null where a file contradicts itself."""
    origins: NDArray[np.intp]
    """Position in ``sources`` of the file each label came from."""
    sources: tuple[Source, ...]

    @classmethod
    def of(
        cls,
        tables: Iterable[tuple[Source, pa.Table]],
        id_column: str,
        label: str,
        id_type: pa.DataType,
        label_type: pa.DataType = BIT,
    ) -> "Truth":
        """``tables`` hold id and label; rows without a label are left out."""
        found = sorted(tables, key=lambda pair: -pair[0].seq)
        parts = [_agreed(table.select([id_column, label]), label, label_type) for _, table in found]
        ids, labels = ([_flat(table.column(place)) for table in parts] for place in (0, 1))
        return cls(
            pa.concat_arrays([*(each.cast(id_type) for each in ids), pa.array([], id_type)]),
            pa.concat_arrays([*labels, pa.array([], label_type)]),
            np.repeat(np.arange(len(parts)), [len(each) for each in ids]),
            tuple(source for source, _ in found),
        )

    def before(self, newer: "Truth") -> "Truth":
        """This truth and files that were all accepted after those in it."""
        kept = np.asarray(pc.invert(pc.is_in(self.ids, value_set=newer.ids)))
        return Truth(
            pa.concat_arrays([newer.ids, self.ids.filter(pa.array(kept))]),
            pa.concat_arrays([newer.labels, self.labels.filter(pa.array(kept))]),
            np.concatenate([newer.origins, self.origins[kept] + len(newer.sources)]),
            (*newer.sources, *self.sources),
        )

    def look_up(self, ids: Any) -> tuple[pa.Array, NDArray[np.intp]]:
        """Label (null when unknown) and the position of its source (NONE when unknown) for each id."""
        rows = _flat(pc.index_in(ids, value_set=self.ids))
        labels = self.labels.take(rows)
        known = np.asarray(pc.is_valid(labels))
        origins = np.full(len(known), NONE, dtype=np.intp)
        origins[known] = self.origins[np.asarray(rows.filter(pa.array(known)))]
        return labels, origins

    def contradicted(self, ids: Any) -> pa.Array:
        """Whether the newest file that speaks of an id says two things of it."""
        rows = _flat(pc.index_in(ids, value_set=self.ids))
        return pc.and_(pc.is_valid(rows), pc.is_null(self.labels.take(rows)))


def _agreed(table: pa.Table, label: str, label_type: pa.DataType) -> pa.Table:
    """Id and label of a file, each id that has a label once, null where it has several."""
    table = table.filter(pc.field(label).is_valid())
    id_column = table.column_names[0]
    typed = pa.table([_flat(table.column(0)), _flat(table.column(1)).cast(label_type)], names=[id_column, label])
    once = typed.group_by([id_column, label], use_threads=False).aggregate([])
    if once.num_rows == pc.count_distinct(once.column(id_column)).as_py():
        return once.select([id_column, label])
    said = once.group_by(id_column, use_threads=False).aggregate([(label, "count"), (label, "min")])
    several = pc.greater(said.column(f"{label}_count"), 1)
    labels = pc.if_else(several, pa.scalar(None, label_type), said.column(f"{label}_min"))
    return pa.table([said.column(id_column), labels], names=[id_column, label])


def _flat(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
