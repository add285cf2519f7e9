"""The contract of a drop: what it must have, may have, and what is said about the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from trimtab.data.keys import KeySet
from trimtab.data.reading import UNDECLARED, Declared
from trimtab.data.violation import Severity

if TYPE_CHECKING:
    from trimtab.spec import Column, DataSpec, Expression, QualityLimits, TextOptions


@dataclass(frozen=True)
class RowRule:
    """A condition that holds in every row."""

    title: str
    expression: Expression
    severity: Severity


@dataclass(frozen=True)
class Occasion:
    """What a drop is held against besides the spec."""

    at: datetime | None = None
    """When it was dropped; without it, freshness and event window are not judged."""
    keys: Mapping[str, KeySet] = field(default_factory=dict)
    """Keys of other data sets by name; a reference to one that is not here warns that it was not checked."""


NO_OCCASION = Occasion()


@dataclass(frozen=True)
class Contract:
    """What one kind of drop must look like."""

    columns: Mapping[str, Column]
    optional: frozenset[str]
    """Columns that may be absent."""
    quality: QualityLimits
    event_time: str | None
    id: str
    label: str
    label_required: bool
    closed: bool
    """Whether columns outside the contract are worth a warning."""
    lenient: bool
    """Whether violations only warn, as the spec may ask."""
    features: tuple[str, ...] = ()
    """Columns that are looked through for the label."""
    checks: tuple[RowRule, ...] = ()
    past_days: float | None = None
    future_hours: float | None = None
    csv: Declared | TextOptions = UNDECLARED
    occasion: Occasion = NO_OCCASION

    def severity(self, column: str, rule: str) -> Severity:
        """What breaking a rule of a column does, where no share of rows is tolerated."""
        warns = self.lenient or rule in self.columns[column].warn
        return Severity.WARN if warns else Severity.REFUSE


def data_contract(data: DataSpec, occasion: Occasion = NO_OCCASION) -> Contract:
    """The contract of drops with features: the id is present and unique, the label of any row may come later."""
    label = data.columns[data.label].model_copy(update={"nullable": True})
    return Contract(
        columns={**data.columns, data.id: _identifier(data), data.label: label},
        optional=frozenset({data.label}),
        quality=data.quality,
        event_time=data.event_time,
        id=data.id,
        label=data.label,
        label_required=False,
        closed=True,
        lenient=data.on_violation == "warn",
        features=data.features,
        checks=tuple(RowRule(rule.title, data.expression(rule), Severity(rule.severity)) for rule in data.checks),
        past_days=data.event_window.past_days,
        future_hours=data.event_window.future_hours,
        csv=data.csv,
        occasion=occasion,
    )


def truth_contract(data: DataSpec) -> Contract:
    """The contract of late ground truth: id and label; whatever else the file has is passed over."""
    return Contract(
        columns={data.id: _identifier(data), data.label: data.columns[data.label]},
        optional=frozenset(),
        quality=type(data.quality)(max_violation_share=data.quality.max_violation_share),
        event_time=None,
        id=data.id,
        label=data.label,
        label_required=True,
        closed=False,
        lenient=data.on_violation == "warn",
        csv=data.csv,
    )


def _identifier(data: DataSpec) -> Column:
    return data.columns[data.id].model_copy(update={"nullable": False, "unique": True})
