"""The data section: what a drop must look like."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from trimtab.spec.base import Section


class ColumnType(StrEnum):
    """Types a column may have; how a file's own types are coerced is written in trimtab.data."""

    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


class Column(Section):
    """One column of the contract."""

    type: ColumnType
    role: Literal["feature", "key", "ignore"] = "feature"
    """A key is carried along but never learned from; the id, event time and label have their role by name."""
    nullable: bool = False
    range: tuple[float, float] | None = None
    """Smallest and largest value allowed, both inclusive."""
    domain: tuple[str | int | bool, ...] | None = None
    pattern: str | None = None
    """Regular expression that every value must match in full."""
    unit: str | None = None
    unique: bool = False

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        if self.range is not None and self.range[0] > self.range[1]:
            raise ValueError(f"range starts at {self.range[0]:g} and ends at {self.range[1]:g}: swap them")
        return self


class QualityLimits(Section):
    """Limits on a drop as a whole."""

    min_rows: int = Field(default=1, ge=1)
    max_missing_share: float = Field(default=1.0, ge=0, le=1)
    """Largest share of missing values that a nullable column may have."""
    max_violation_share: float = Field(default=0.0, ge=0, le=1)
    """Largest share of rows that may break a value rule (range, domain, pattern, null) before the drop is refused."""


class DataSpec(Section):
    """The contract of a model's drops."""

    format: Literal["parquet", "csv", "jsonl"] = "parquet"
    id: str
    """Column that names a row for ever; truth joins on it."""
    event_time: str | None = None
    """Column by which data are split and windowed. Without one, the order of drops is the order of time."""
    label: str
    columns: dict[str, Column] = Field(min_length=2)
    quality: QualityLimits = QualityLimits()
    on_violation: Literal["quarantine", "warn"] = "quarantine"

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Self:
        for key in ("id", "event_time", "label"):
            name = getattr(self, key)
            if name is not None and name not in self.columns:
                raise ValueError(f"{key} names the column '{name}', which is not under columns")
        return self

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a model learns from, in the order of the file."""
        named = {self.id, self.event_time, self.label}
        return tuple(name for name, column in self.columns.items() if column.role == "feature" and name not in named)
