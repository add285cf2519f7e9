"""Tables of records in the object store."""

import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from trimtab.ports import ObjectStore


def write_table(objects: ObjectStore, uri: str, table: pa.Table) -> None:
    """The table stands at ``uri`` as Parquet."""
    packed = io.BytesIO()
    pq.write_table(table, packed, compression="zstd")
    objects.write(uri, packed.getvalue(), "application/vnd.apache.parquet")


def write_tables(objects: ObjectStore, uri: str, tables: Iterable[pa.Table]) -> None:
    """All rows stand at ``uri`` as one Parquet file with a row group for each table; there is at least one."""
    with tempfile.TemporaryDirectory(prefix="table-") as scratch:
        path, writer = Path(scratch, "records.parquet"), None
        for table in tables:
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
        if writer is None:
            raise ValueError(f"{uri}: there is no table to write")
        writer.close()
        objects.upload(uri, path)


def record_batches(objects: ObjectStore, uri: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The named columns (all when None) of a table, some hundred thousand rows at a time. Raises FileNotFoundError."""
    with objects.open(uri) as source:
        file = pq.ParquetFile(source)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=list(columns) if columns else None)


def read_records(objects: ObjectStore, uri: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns (all when None) of a table that ``write_table`` wrote. Raises FileNotFoundError."""
    with objects.open(uri) as source:
        return pq.read_table(source, columns=list(columns) if columns else None)
