"""Captured events as a table: one row for each record that was scored."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

import pyarrow as pa

from trimtab.data.coerce import ARROW_TYPES, coerce
from trimtab.monitoring.capture import Event
from trimtab.spec import DataSpec

EVENT, ROW, TIME = "_event_id", "_row", "_inference_time"
SCORE, SCORES, VERSION, LABEL = "_score", "_scores", "_version", "_label"
META = {
    EVENT: pa.string(),
    ROW: pa.int32(),
    TIME: pa.timestamp("us", "UTC"),
    SCORE: pa.float64(),
    SCORES: pa.map_(pa.string(), pa.float64()),
    VERSION: pa.int64(),
}
"""Columns beside the contract's own: which request, which of its rows, when, and what was answered by which version.

``_scores`` holds the probability of each class, null where an answer is one number.
"""

_MOST_DIGITS: Final = 18


def record_columns(data: DataSpec) -> tuple[str, ...]:
    """Columns of the contract that a captured record may have: the id, the event time, features, protected ones."""
    return (data.id, *((data.event_time,) if data.event_time else ()), *data.features, *data.protected)


def record_schema(data: DataSpec) -> pa.Schema:
    """Schema of every table of records, also of an empty one."""
    contract = {name: ARROW_TYPES[data.columns[name].type] for name in record_columns(data)}
    return pa.schema([*META.items(), *contract.items()])


def to_table(events: Iterable[Event], data: DataSpec) -> pa.Table:
    """One row per record, in order. A value that is not of its column's type is null."""
    schema = record_schema(data)
    parts = [_part(list(group), is_text, data, schema) for is_text, group in groupby(events, lambda e: e.is_text)]
    return pa.concat_tables([*parts, schema.empty_table()])


def _part(events: Sequence[Event], is_text: bool, data: DataSpec, schema: pa.Schema) -> pa.Table:
    rows = [(event, number) for event in events for number in range(len(event.records))]
    answers = [event.answers[number] for event, number in rows]
    columns: dict[str, Any] = {
        EVENT: [event.id for event, _ in rows],
        ROW: [number for _, number in rows],
        TIME: [event.time for event, _ in rows],
        SCORE: [answer["score"] for answer in answers],
        SCORES: [_scores(answer.get("scores")) for answer in answers],
        VERSION: [_version(answer.get("version")) for answer in answers],
    }
    for name in record_columns(data):
        values = [event.records[number].get(name) for event, number in rows]
        raw = pa.array(values, pa.string()) if is_text else values
        columns[name] = coerce(raw, data.columns[name].type, text=is_text).column.cast(schema.field(name).type)
    return pa.table(columns, schema=schema)


def _scores(value: object) -> list[tuple[str, float]] | None:
    """Class and probability, as an answer names them; None when it names none, or something else than numbers."""
    if not isinstance(value, dict):
        return None
    try:
        numbers = all(isinstance(each, int | float) for each in value.values())
        return [(str(name), float(each)) for name, each in value.items()] if numbers else None
    except OverflowError:
        return None


def _version(value: object) -> int | None:
    """The version that an answer names, None when it names none; none that no integer holds."""
    text = str(value)
    return int(text) if value is not None and text.isdecimal() and len(text) <= _MOST_DIGITS else None
