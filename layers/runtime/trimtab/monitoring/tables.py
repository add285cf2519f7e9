"""Tables of records in the object store."""

import io
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.ports import ObjectStore


def write_table(objects: ObjectStore, uri: str, table: pa.Table) -> None:
    """The table stands at ``uri`` as Parquet."""
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    objects.write(uri, packed.getvalue(), "application/vnd.apache.parquet")


def record_batches(objects: ObjectStore, uri: str, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The named columns of a table, some hundred thousand rows at a time. Raises FileNotFoundError."""
    with objects.open(uri) as source:
        file = pq.ParquetFile(source)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=list(columns))


def read_records(objects: ObjectStore, uri: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns (all when None) of a table that ``write_table`` wrote. Raises FileNotFoundError."""
    with objects.open(uri) as source:
        return pq.read_table(source, columns=list(columns) if columns else None)
