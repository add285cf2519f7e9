"""Rows that stand on both sides of a split, which would let a model be asked what it has been told."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.errors import DataError

SHOWN = 5


def shared_ids(train: Any, holdout: Any) -> pa.Array:
    """Ids that are in both (Arrow arrays of one type), each once."""
    both = pc.unique(holdout.filter(pc.is_in(holdout, value_set=train)))
    return both.combine_chunks() if isinstance(both, pa.ChunkedArray) else both


def check_no_leakage(train: pa.Table, holdout: pa.Table, id_column: str) -> None:
    """No id is on both sides. Raises DataError that names some that are."""
    both = shared_ids(_ids(train, id_column), _ids(holdout, id_column))
    if len(both):
        shown = ", ".join(str(value) for value in both[:SHOWN].to_pylist())
        raise DataError(f"{len(both)} rows are in training and in hold-out ({id_column} {shown}): nothing was written")


def _ids(table: pa.Table, id_column: str) -> pa.Array:
    return pa.concat_arrays(table.column(id_column).chunks or [pa.array([], table.schema.field(id_column).type)])
