"""Accepted drops read back by their version: some columns, some rows at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from trimtab.data.read import format_of, typed_batches
from trimtab.datasets.parts import Part, parts_of
from trimtab.datasets.sources import Source
from trimtab.errors import DataError
from trimtab.ports import ObjectStore
from trimtab.spec import DataSpec


@dataclass(frozen=True)
class DropReader:
    """Reads exactly the bytes that were accepted, under a contract."""

    objects: ObjectStore
    data: DataSpec

    def read(self, source: Source, columns: list[str]) -> Iterator[pa.Table]:
        """The named columns in the contract's types, batch by batch; those that the file lacks are absent.

        Raises DataError when a file cannot be read, FileNotFoundError when its version is gone.
        """
        asked = {name: column for name, column in self.data.columns.items() if name in columns}
        narrow = self.data.model_copy(update={"columns": asked})
        rows = 0
        for part in parts_of(source, self.objects):
            for batch in self._batches(part, narrow):
                rows += batch.num_rows
                held = [name for name in columns if name in batch.schema.names]
                yield pa.Table.from_batches([batch]).select(held)
        if not rows:
            raise DataError(f"{source.uri} has no rows: check the export and drop it again")

    def _batches(self, part: Part, data: DataSpec) -> Iterator[pa.RecordBatch]:
        with self.objects.open(part.uri, part.version or None) as stream:
            yield from typed_batches(stream, format_of(part.uri, data.format), data)
