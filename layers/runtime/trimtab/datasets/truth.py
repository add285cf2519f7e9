"""Labels that came after their rows, looked up by id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from trimtab.datasets.sources import Source

NONE = -1


@dataclass(frozen=True)
class Truth:
    """All known labels; where two files speak of one id, the file accepted later counts."""

    ids: pa.Array
    labels: pa.Array
    """int8, 0 or 1."""
    origins: NDArray[np.intp]
    """Position in ``sources`` of the file each label came from."""
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, tables: Iterable[tuple[Source, pa.Table]], id_column: str, label: str, id_type: pa.DataType) -> "Truth":
        """``tables`` hold id and label; rows without a label are left out."""
        found = sorted(tables, key=lambda pair: -pair[0].seq)
        parts = [table.select([id_column, label]).filter(pc.field(label).is_valid()) for _, table in found]
        ids = [part.column(id_column).combine_chunks() for part in parts]
        labels = [part.column(label).cast(pa.int8()).combine_chunks() for part in parts]
        return cls(
            pa.concat_arrays([*map(_flat, ids), pa.array([], id_type)]),
            pa.concat_arrays([*map(_flat, labels), pa.array([], pa.int8())]),
            np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
            tuple(source for source, _ in found),
        )

    def look_up(self, ids: Any) -> tuple[pa.Array, NDArray[np.intp]]:
        """Label (int8, null when unknown) and the position of its source (NONE when unknown) for each id."""
        rows = _flat(pc.index_in(ids, value_set=self.ids))
        known = np.asarray(pc.is_valid(rows))
        origins = np.full(len(known), NONE, dtype=np.intp)
        origins[known] = self.origins[np.asarray(rows.drop_null())]
        return self.labels.take(rows), origins


def _flat(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
