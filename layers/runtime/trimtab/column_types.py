"""The types that a column of a contract may have; apart from the spec, so that reading data needs no pydantic."""

from enum import StrEnum


class ColumnType(StrEnum):
    """Types a column may have; how a file's own types are coerced is written in trimtab.data."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"
