"""The data section: what a drop must look like."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from trimtab.column_types import ColumnType
from trimtab.spec.base import Section, mistakes
from trimtab.spec.columns import Column
from trimtab.spec.expression import Expression, parse_expression
from trimtab.spec.lake import LakeSpec

Severity = Literal["refuse", "warn"]


def _off(value: object) -> object:
    return "off" if value is False else value


Off = BeforeValidator(_off)
"""YAML reads a bare ``off`` as false."""
Attention = Annotated[Literal["refuse", "warn", "off"], Off]


class QualityLimits(Section):
    """Limits on a drop as a whole."""

    min_rows: int = Field(default=1, ge=1)
    max_rows: int | None = Field(default=None, ge=1)
    row_limits: Severity = "refuse"
    """What a drop of fewer or more rows does; one without any is always refused."""
    extra_columns: Attention = "warn"
    """What columns outside the contract do; they are never read."""
    max_missing_share: float = Field(default=1.0, ge=0, le=1)
    """Largest share of missing values that a nullable column may have."""
    max_violation_share: float = Field(default=0.0, ge=0, le=1)
    """Largest share of rows that may break a rule on rows (type, null, range, domain, pattern, references, window,
    check) before the drop is refused."""
    freshness_hours: float | None = Field(default=None, gt=0)
    """The newest event time is at most this long before the drop."""
    duplicate_rows: Attention = "off"
    """What rows do that are equal in every column but the id. Looking costs 16 bytes a row."""
    label_leakage: Attention = "refuse"
    """What a feature does that equals the label; one that determines it warns, unless off."""
    personal_data: Annotated[Literal["warn", "off"], Off] = "warn"
    """What columns do whose values look like e-mail addresses, phone, card or identity numbers."""

    @model_validator(mode="after")
    def _rows_are_ordered(self) -> Self:
        if self.max_rows is not None and self.max_rows < self.min_rows:
            raise ValueError(f"max_rows ({self.max_rows}) is below min_rows ({self.min_rows})")
        return self


class EventWindow(Section):
    """Where event times may lie, seen from the time of the drop."""

    past_days: float | None = Field(default=None, gt=0)
    future_hours: float | None = Field(default=None, ge=0)


class RowCheck(Section):
    """A rule across the columns of one row."""

    check: str = Field(max_length=500)
    """Condition that holds in every row, for example ``dep_delay >= -60 or cancelled``."""
    name: str | None = None
    severity: Severity = "refuse"

    @property
    def title(self) -> str:
        """What findings call the rule."""
        return self.name or self.check


class TextOptions(Section):
    """How CSV files are written; what is not given is detected in each file and reported."""

    encoding: Literal["utf-8", "utf-16", "windows-1252"] | None = None
    delimiter: Literal[",", ";", "\t", "|"] | None = None
    quote: Literal['"', "'"] | None = None
    decimal: Literal[".", ","] | None = None


class FanOut(Section):
    """When a drop is validated in shares, side by side, and how; the verdict is that of one pass."""

    above_megabytes: float = Field(default=512, gt=0)
    """Drops of more bytes than this are split (1 MB is 1,048,576 bytes)."""
    share_megabytes: float = Field(default=128, gt=0)
    """About what one function reads: some files, or some row groups of a Parquet file. Other files are not cut."""
    at_once: int = Field(default=8, ge=1, le=1000)
    """Functions that work at the same time. A new account has ten in all."""


class DataSpec(Section):
    """The contract of a model's drops."""

    format: Literal["parquet", "csv", "jsonl"] = "parquet"
    """Format of files whose name does not tell."""
    drop: Literal["object", "manifest", "success"] = "object"
    """What a drop of data is: one object; or the objects of a folder, closed by ``_MANIFEST.json`` or ``_SUCCESS``."""
    csv: TextOptions = TextOptions()
    id: str
    """Column that names a row for ever; truth joins on it."""
    event_time: str | None = None
    """Column by which data are split and windowed. Without one, the order of drops is the order of time."""
    label: str
    columns: dict[str, Column] = Field(min_length=2)
    checks: tuple[RowCheck, ...] = ()
    event_window: EventWindow = EventWindow()
    expected_every_days: float | None = Field(default=None, gt=0, le=366)
    """A drop of data comes at least this often. Drops that are missing, or left out in event time, ring an alarm."""
    quality: QualityLimits = QualityLimits()
    on_violation: Literal["quarantine", "warn"] = "quarantine"
    fan_out: FanOut = FanOut()
    lake: LakeSpec | None = None
    """Tables in a lake that are judged where they lie, by Spark; without it ``_LAKE.json`` means nothing."""

    @model_validator(mode="after")
    def _named_columns_exist(self) -> Self:
        for key in ("id", "event_time", "label"):
            name = getattr(self, key)
            if name is not None and name not in self.columns:
                raise ValueError(f"{key} names the column '{name}', which is not under columns")
        return self

    @model_validator(mode="after")
    def _times_are_times(self) -> Self:
        if self.event_time is not None and self.columns[self.event_time].type is not ColumnType.TIMESTAMP:
            found = self.columns[self.event_time].type
            mistakes([(("event_time",), f"the column '{self.event_time}' is a {found} and must be a timestamp")])
        mistakes(((place, "needs event_time") for place in self._asking_for_time()) if not self.event_time else ())
        return self

    def _asking_for_time(self) -> Iterator[tuple[str, ...]]:
        if self.quality.freshness_hours is not None:
            yield ("quality", "freshness_hours")
        if self.event_window != EventWindow():
            yield ("event_window",)

    @model_validator(mode="after")
    def _checks_are_conditions(self) -> Self:
        mistakes(self._wrong_checks())
        return self

    def _wrong_checks(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for place, rule in enumerate(self.checks):
            try:
                self.expression(rule)
            except ValueError as error:
                yield ("checks", place, "check"), str(error)

    def expression(self, rule: RowCheck) -> Expression:
        """The condition of a rule, held against the columns' types. Raises ValueError."""
        return parse_expression(rule.check, {name: column.type.value for name, column in self.columns.items()})

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a model learns from, in the order of the file."""
        named = {self.id, self.event_time, self.label}
        return tuple(name for name, column in self.columns.items() if column.role == "feature" and name not in named)

    @property
    def protected(self) -> tuple[str, ...]:
        """Columns that tell groups of people and that no model sees."""
        return tuple(name for name, column in self.columns.items() if column.role == "protected")
