"""The common capture file decoded column by column: requests and answers in JSON Lines, one score an answer.

It knows no other kind of file, and leaves to `trimtab.monitoring.capture` whatever is unusual in one: an encoding, a
value that is not of its column's type, probabilities of classes, a line that cannot be read.
"""

import io
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj
from numpy.typing import NDArray

from trimtab.column_types import ColumnType
from trimtab.data.coerce import ARROW_TYPES, coerce
from trimtab.monitoring.records import EVENT, ROW, SCORE, SCORES, TIME, VERSION, record_columns, record_schema
from trimtab.names import SYNTHETIC
from trimtab.spec import DataSpec

_DIRECTION: Final = pa.struct({name: pa.string() for name in ("data", "encoding", "observedContentType")})
_LINE: Final = pa.schema(
    {
        "captureData": pa.struct({"endpointInput": _DIRECTION, "endpointOutput": _DIRECTION}),
        "eventMetadata": pa.struct({name: pa.string() for name in ("eventId", "inferenceTime", "inferenceId")}),
    }
)
_ANSWER: Final = pa.schema({"score": pa.float64(), "version": pa.int64(), "scores": pa.null()})


def read_json_lines(body: bytes, data: DataSpec) -> pa.Table | None:
    """The table of records that the slower way gives; None when the file has anything unusual."""
    try:
        return _table(body, data)
    except pa.ArrowInvalid:
        return None


def _table(body: bytes, data: DataSpec) -> pa.Table | None:
    """Raises ArrowInvalid for most of what is unusual."""
    lines = _parsed(body, _LINE)
    asked, answered, said = (_fields(lines, *path) for path in _PATHS)
    if not (_is_plain(asked) and _is_plain(answered)) or said["eventId"].null_count or said["inferenceTime"].null_count:
        return None
    requests, counts = _documents(asked["data"])
    answers, answer_counts = _documents(answered["data"])
    if not np.array_equal(counts, answer_counts):
        return None
    records = _parsed(requests, _record_schema(data))
    scored = _parsed(answers, _ANSWER)
    if not records.num_rows == scored.num_rows == counts.sum() or not _are_scores(scored):
        return None
    return _joined(said, counts, records, scored, data)


_PATHS: Final = (("captureData", "endpointInput"), ("captureData", "endpointOutput"), ("eventMetadata",))


def _parsed(body: Any, schema: pa.Schema) -> pa.Table:
    """Rows of JSON Lines; a value of another type is an error, an unknown field is passed over."""
    reading = pj.ReadOptions(use_threads=False, block_size=max(len(body) + 1, 1 << 16))
    parsing = pj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    return pj.read_json(pa.BufferReader(body) if len(body) else io.BytesIO(b"{}"), reading, parsing)


def _fields(lines: pa.Table, column: str, *inner: str) -> dict[str, pa.Array]:
    """Fields of a column of structs, or of a struct in it, as arrays."""
    held = lines.column(column).combine_chunks()
    for name in inner:
        held = held.field(name)
    return {field.name: held.field(field.name) for field in held.type}


def _is_plain(direction: dict[str, pa.Array]) -> bool:
    """Every body is text that is not CSV."""
    types, encodings = direction["observedContentType"], direction["encoding"]
    if direction["data"].null_count or encodings.null_count or not pc.all(pc.equal(encodings, "JSON")).as_py():
        return False
    return not pc.any(pc.match_substring(types, "csv", ignore_case=True)).as_py()


def _documents(bodies: pa.Array) -> tuple[Any, NDArray[np.int64]]:
    """All bodies in one, a document on each line, and how many documents each has. Raises ArrowInvalid."""
    bodies = pc.utf8_rtrim(bodies, "\n")
    unusual = pc.or_(pc.match_substring_regex(bodies, r"^\s|\n\s|\r"), pc.equal(bodies, ""))
    if pc.any(unusual).as_py():
        raise pa.ArrowInvalid("a body has a blank line")
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(bodies)], bodies), "\n")
    counts = pc.add(pc.count_substring(bodies, "\n"), 1).to_numpy(zero_copy_only=False)
    return joined[0].as_buffer(), counts.astype(np.int64)


def _record_schema(data: DataSpec) -> pa.Schema:
    """Times are read as text, as the slower way reads them."""
    types = {name: data.columns[name].type for name in record_columns(data)}
    return pa.schema(
        {name: pa.string() if kind is ColumnType.TIMESTAMP else ARROW_TYPES[kind] for name, kind in types.items()}
    )


def _are_scores(scored: pa.Table) -> bool:
    """Every answer is one number, and no version is what the slower way would not take for one."""
    versions = scored.column("version")
    return not scored.column("score").null_count and not pc.any(pc.less(versions, 0)).as_py()


def _joined(
    said: dict[str, pa.Array], counts: NDArray[np.int64], records: pa.Table, scored: pa.Table, data: DataSpec
) -> pa.Table:
    event = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    place = pa.array(event)
    columns: dict[str, Any] = {
        EVENT: said["eventId"].take(place),
        ROW: pa.array(np.arange(len(event)) - starts[event], pa.int32()),
        TIME: said["inferenceTime"].cast(pa.timestamp("us", "UTC")).take(place),
        SCORE: scored.column("score"),
        VERSION: scored.column("version"),
    }
    schema = record_schema(data)
    columns[SCORES] = pa.nulls(len(event), schema.field(SCORES).type)
    for name in record_columns(data):
        raw, kind = records.column(name).combine_chunks(), data.columns[name].type
        columns[name] = coerce(raw, kind, text=True).column if kind is ColumnType.TIMESTAMP else raw
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    own = pc.fill_null(pc.starts_with(said["inferenceId"], SYNTHETIC), fill_value=False)
    return table.filter(pc.invert(own).take(place)) if pc.any(own).as_py() else table
