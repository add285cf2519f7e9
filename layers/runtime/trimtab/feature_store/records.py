"""A row as the texts that Feature Store takes, and the texts as what a request to the model holds.

Back and forth nothing is lost but parts of a millisecond: Feature Store's event times have no finer ones.
"""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from trimtab.column_types import ColumnType
from trimtab.spec import Spec
from trimtab.spec.stored import ACCEPTED, stored_columns

Texts = dict[str, str]


def _moment(value: datetime) -> str:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return aware.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float) -> str:
    """The shortest text that gives the same bits; infinities as Java writes them, which AWS reads (not proven)."""
    return repr(float(value)) if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


_SAID: Final[dict[ColumnType, Callable[[Any], str]]] = {
    ColumnType.INTEGER: lambda value: str(int(value)),
    ColumnType.NUMBER: _number,
    ColumnType.STRING: str,
    ColumnType.BOOLEAN: lambda value: str(int(value)),
    ColumnType.TIMESTAMP: _moment,
}
_READ: Final[dict[ColumnType, Callable[[str], Any]]] = {
    ColumnType.INTEGER: int,
    ColumnType.NUMBER: float,
    ColumnType.STRING: str,
    ColumnType.BOOLEAN: lambda text: text == "1",
    ColumnType.TIMESTAMP: str,
}


def texts_of(row: Mapping[str, Any], spec: Spec, accepted: int) -> Texts | None:
    """The record of a row of the drop at ``accepted`` in the ledger; what is missing is left out of it.

    None for a row without id or event time, which no store can keep.
    """
    columns = stored_columns(spec)
    said = {name: _SAID[kind](row[name]) for name, kind in columns.items() if not _is_missing(row.get(name))}
    if spec.data.id not in said or spec.data.event_time not in said:
        return None
    return said | {ACCEPTED: str(accepted)}


def request_of(texts: Mapping[str, str], spec: Spec) -> dict[str, Any]:
    """What a request to the model holds for a stored record: every column, null where nothing was stored."""
    return {name: _READ[kind](texts[name]) if name in texts else None for name, kind in stored_columns(spec).items()}


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
