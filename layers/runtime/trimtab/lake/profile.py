"""The profile of a Spark data frame: each partition is profiled by Trimtab's own code, and profiles merge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from trimtab.column_types import ColumnType
from trimtab.data.coerce import coerce
from trimtab.data.profile import Profile, profile_batches, profiled_columns
from trimtab.errors import DataError
from trimtab.spec import Column, DataSpec

SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "65536",
}
"""What a session needs to read what Arrow reads: times without a zone where they are, also those before 1900, names as
they are written, and pages held against their checksums where they have them. The last is speed."""
MERGED_AT_ONCE: Final = 64
"""Profiles that one task, or the driver, brings together."""
_PROFILE: Final = "profile"
_FAILURE: Final = "failure"
_SCHEMA: Final = f"{_PROFILE} binary, {_FAILURE} string"

Batches = Iterator[pa.RecordBatch]


def profile_frame(frame: Any, data: DataSpec) -> Profile:
    """The profile of a ``pyspark.sql.DataFrame``: that of one pass over its rows.

    Counts, extremes, levels and histograms are equal to the last bit, so PSI, KS and the other statistics are too;
    means and spreads are equal but for the order of adding. The frame's columns are matched by name; those of the
    contract that it lacks are left out. Raises DataError for a column that cannot be read as its contract's type.
    """
    columns = profiled_columns(data)
    types = {name: data.columns[name].type for name in (*columns, data.id)}
    found = frame.select([name for name in types if name in frame.columns])
    profiles = found.mapInArrow(_profiler(columns, types, data.id), _SCHEMA)
    while profiles.rdd.getNumPartitions() > MERGED_AT_ONCE:
        fewer = -(-profiles.rdd.getNumPartitions() // MERGED_AT_ONCE)
        profiles = profiles.repartition(fewer).mapInArrow(_merger, _SCHEMA)
    rows = profiles.collect()
    for failure in filter(None, (row[_FAILURE] for row in rows)):
        raise DataError(failure)
    return merged(bytes(row[_PROFILE]) for row in rows)


def merged(bodies: Iterable[bytes]) -> Profile:
    """The profile of all rows that the stored profiles tell of."""
    whole = Profile()
    for body in bodies:
        whole = whole.merge(Profile.loads(body))
    return whole


def typed(batch: pa.RecordBatch, types: Mapping[str, ColumnType]) -> pa.RecordBatch:
    """The batch in the contract's types; a value that cannot become its type is missing. Raises DataError."""
    columns = {}
    for name in batch.schema.names:
        coerced = coerce(batch.column(name), types[name], text=False)
        if coerced.conflict:
            raise _conflict(name, coerced.conflict, types[name])
        columns[name] = coerced.column
    return pa.RecordBatch.from_pydict(columns)


def _profiler(columns: Mapping[str, Column], types: Mapping[str, ColumnType], id: str) -> Callable[[Batches], Batches]:
    def profile(batches: Batches) -> Batches:
        """Runs in a task: the partition's profile, or what is wrong with it, as one row. Spark would retry an error."""
        try:
            yield _row(profile_batches((typed(batch, types) for batch in batches), columns, id))
        except DataError as error:
            yield pa.RecordBatch.from_pydict({_PROFILE: [b""], _FAILURE: [str(error)]})

    return profile


def _merger(batches: Batches) -> Batches:
    """Runs in a task: the profiles of some partitions as one, or the failures among them."""
    rows = pa.Table.from_batches(batches, pa.schema({_PROFILE: pa.binary(), _FAILURE: pa.string()}))
    failed = rows.filter(pc.not_equal(rows[_FAILURE], ""))
    if len(failed):
        yield failed.slice(0, 1).combine_chunks().to_batches()[0]
    else:
        yield _row(merged(rows[_PROFILE].to_pylist()))


def _row(profile: Profile) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({_PROFILE: [profile.dumps()], _FAILURE: [""]})


def _conflict(name: str, found: str, wanted: ColumnType) -> DataError:
    return DataError(f"the column '{name}' is {found} in the table, which cannot be read as {wanted}")
