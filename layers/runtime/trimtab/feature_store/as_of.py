"""Features as they were known at a time, from the offline store's records: what a training set may hold."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from trimtab.column_types import ColumnType
from trimtab.data.coerce import ARROW_TYPES
from trimtab.errors import DataError
from trimtab.ports import ObjectStore
from trimtab.spec import Spec
from trimtab.spec.stored import ACCEPTED, stored_columns

AT_ONCE: Final = 10
"""Files that are read side by side: as many as a client keeps connections."""
_HOUR: Final = re.compile(r"/year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/")
_KEPT: Final = ("is_deleted", "api_invocation_time")


def read_records(objects: ObjectStore, uri: str, spec: Spec, until: datetime) -> pa.Table:
    """All records below ``uri``, the group's ResolvedOutputS3Uri, of the hour of ``until`` and before.

    In the contract's types, with ``accepted_seq``, ``is_deleted`` and ``api_invocation_time``.
    """
    files = [info.uri for info in objects.list(f"{uri.rstrip('/')}/") if _may_hold(info.uri, until)]
    with ThreadPoolExecutor(AT_ONCE) as pool:  # there is a file for every hour of event times, and often several
        bodies = pool.map(objects.read, files)
        tables = [_typed(pq.read_table(io.BytesIO(body)), spec) for body in bodies]
    if not tables:
        raise DataError(f"no record of {until:%Y-%m-%d %H:%M} or before lies below {uri}")
    return pa.concat_tables(tables)


def as_of(records: pa.Table, ids: Any, times: Any, spec: Spec, *, written_until: datetime | None = None) -> pa.Table:
    """For each id and time the features of the newest record that is not of later than that time, in order of ``ids``.

    Columns are id, event time (the record's) and features; all but the id are null where there was no record, or where
    the newest one says that it was deleted. Of records of one id and event time the drop accepted last counts. With
    ``written_until``, records that were written later are unknown: so a training set can be made as it was then.
    """
    if written_until is not None:
        limit = pa.scalar(written_until, pa.timestamp("us", "UTC"))
        records = records.filter(pc.less_equal(records.column("api_invocation_time"), limit))
    ids, times = _chunked(ids), _chunked(times)
    found = _newest(records, ids, times, spec)
    gone = np.asarray(pc.fill_null(records.column("is_deleted"), False)).astype(bool)
    known = found >= 0
    known[known] = ~gone[found[known]]
    rows = pa.array(np.where(known, found, 0), mask=~known)
    names = [name for name in stored_columns(spec) if name != spec.data.id]
    columns = {name: records.column(name).take(rows) for name in names}
    return pa.table({spec.data.id: ids, **columns})


def _chunked(column: Any) -> Any:
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _newest(records: pa.Table, ids: Any, times: Any, spec: Spec) -> NDArray[np.int64]:
    """Position of the record that answers each question; -1 for none. One sort of records and questions together."""
    key = records.column(spec.data.id)
    codes = pa.chunked_array([*key.chunks, *ids.cast(key.type).chunks]).combine_chunks().dictionary_encode().indices
    asked, count = len(ids), len(records)
    moments = np.concatenate([_microseconds(records.column(str(spec.data.event_time))), _microseconds(times)])
    is_question = np.arange(count + asked) >= count
    accepted = np.concatenate([np.asarray(records.column(ACCEPTED)), np.zeros(asked, dtype=np.int64)])
    written = np.concatenate([_microseconds(records.column("api_invocation_time")), np.zeros(asked, dtype=np.int64)])
    order = np.lexsort((written, accepted, is_question, moments, np.asarray(codes)))
    # The last record before each place of the order, if it is of the same id.
    last = np.maximum.accumulate(np.where(is_question[order], -1, np.arange(count + asked)))
    before = np.where(last >= 0, order[np.maximum(last, 0)], 0)
    same = (last >= 0) & (np.asarray(codes)[before] == np.asarray(codes)[order])
    found = np.full(count + asked, -1, dtype=np.int64)
    found[order] = np.where(same, before, -1)
    answers: NDArray[np.int64] = found[count:]
    return answers


def _microseconds(column: Any) -> NDArray[np.int64]:
    return np.asarray(column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()))


def _may_hold(uri: str, until: datetime) -> bool:
    return uri.endswith(".parquet") and _begins(uri) <= until


def _begins(uri: str) -> datetime:
    """The hour that a file's folder names; the beginning of time for another folder."""
    found = _HOUR.search(uri)
    if found is None:
        return datetime.min.replace(tzinfo=UTC)
    year, month, day, hour = map(int, found.groups())
    return datetime(year, month, day, hour, tzinfo=UTC)


def _typed(table: pa.Table, spec: Spec) -> pa.Table:
    columns = {name: _column(table, name, kind) for name, kind in stored_columns(spec).items()}
    kept = {name: table.column(name) for name in (ACCEPTED, *_KEPT)}
    kept["api_invocation_time"] = kept["api_invocation_time"].cast(pa.timestamp("us", "UTC"))
    return pa.table(columns | kept)


def _column(table: pa.Table, name: str, kind: ColumnType) -> Any:
    column = table.column(name)
    if kind is ColumnType.TIMESTAMP:
        return _moments(column)
    return column.cast(ARROW_TYPES[kind])


def _moments(column: Any) -> Any:
    """Times that records.py wrote as ISO 8601 of UTC."""
    return pc.replace_substring(column, "Z", "").cast(pa.timestamp("us")).cast(ARROW_TYPES[ColumnType.TIMESTAMP])
