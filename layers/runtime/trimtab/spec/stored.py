"""What of a model's columns a feature store keeps, and what its feature group is called."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from trimtab.column_types import ColumnType

if TYPE_CHECKING:
    from trimtab.spec.model import Spec

ACCEPTED: Final = "accepted_seq"
"""Feature that says where in the ledger the drop stands from which a record came: of two records of one id and event
time the higher one counts, however often and in whatever order they were written."""
FEATURE_TYPES: Final[Mapping[ColumnType, str]] = {
    ColumnType.INTEGER: "Integral",
    ColumnType.NUMBER: "Fractional",
    ColumnType.STRING: "String",
    ColumnType.BOOLEAN: "Integral",
    ColumnType.TIMESTAMP: "String",
}
_RESERVED: Final = frozenset({"is_deleted", "write_time", "api_invocation_time", ACCEPTED})
_NAME: Final = re.compile(r"[a-zA-Z0-9]([-_]*[a-zA-Z0-9]){0,63}")


def stored_columns(spec: "Spec") -> dict[str, ColumnType]:
    """Id, event time and features: never the label, and no protected column."""
    data = spec.data
    names = (data.id, *([data.event_time] if data.event_time else []), *data.features)
    return {name: data.columns[name].type for name in names}


def feature_definitions(spec: "Spec") -> dict[str, str]:
    """Feature Store's type by name of feature."""
    return {name: FEATURE_TYPES[kind] for name, kind in stored_columns(spec).items()} | {ACCEPTED: "Integral"}


def feature_group(prefix: str, spec: "Spec") -> str:
    """Name of the feature group: other columns make another group, since features can be neither removed nor changed.

    ``prefix`` is that of all the model's names.
    """
    said = json.dumps([spec.data.id, spec.data.event_time, sorted(feature_definitions(spec).items())])
    return f"{prefix}-{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def unfit_to_store(spec: "Spec") -> Iterator[str]:
    """Why a feature store cannot keep the model's columns."""
    if spec.data.event_time is None:
        yield "a feature store needs data.event_time: it keeps of each id what was true when"
    for name in stored_columns(spec):
        if name in _RESERVED:
            yield f"a feature store has a feature '{name}' of its own: give the column another name"
        elif not _NAME.fullmatch(name):
            yield f"the column '{name}' cannot be stored: names have 64 letters, digits, - and _, no such at the ends"
