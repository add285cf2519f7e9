"""Tables of records in the object store."""

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.ports import ObjectStore


def write_table(objects: ObjectStore, uri: str, table: pa.Table) -> None:
    """The table stands at ``uri`` as Parquet."""
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    objects.write(uri, packed.getvalue(), "application/vnd.apache.parquet")


def read_records(objects: ObjectStore, uri: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns (all when None) of a table that ``write_table`` wrote. Raises FileNotFoundError."""
    with objects.open(uri) as source:
        return pq.read_table(source, columns=list(columns) if columns else None)
