"""Columns that a section names must be under data.columns, and be such as can do what is asked of them."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trimtab.column_types import ColumnType
from trimtab.measures import BINARY, band_names, group_name
from trimtab.spec.base import nearest
from trimtab.spec.columns import NUMERIC, Column
from trimtab.spec.gates import AttributeRule

if TYPE_CHECKING:
    from trimtab.spec.model import Spec

Found = tuple[tuple[str | int, ...], str]
"""Place in the document, and what is wrong there."""


def misnamed(spec: "Spec") -> Iterator[Found]:
    """Every name that is no column's, with the nearest one that is."""
    for place, name in _named(spec):
        if name not in spec.data.columns:
            yield place, f"'{name}' is not under data.columns{nearest(name, spec.data.columns)}"


def _named(spec: "Spec") -> Iterator[tuple[tuple[str | int, ...], str]]:
    evaluation = spec.evaluation
    for index, name in enumerate(spec.monitoring.columns or ()):
        yield ("monitoring", "columns", index), name
    for name in spec.monitoring.drift:
        yield ("monitoring", "drift", name), name
    for index, cut in enumerate(evaluation.slices):
        yield from ((("evaluation", "slices", index), name.strip()) for name in cut.split("*"))
    for index, name in enumerate(evaluation.last_value_by):
        yield ("evaluation", "last_value_by", index), name
    for index, name in enumerate(spec.datasets.leakage.known_columns):
        yield ("datasets", "leakage", "known_columns", index), name
    for name in evaluation.gates.bias.attributes:
        yield ("evaluation", "gates", "bias", "attributes", name), name


def misused(spec: "Spec") -> Iterator[Found]:
    """Every named column that cannot be cut by, compared or accepted. All names are columns'."""
    yield from _cut_by_the_label(spec)
    yield from _groups_that_cannot_be(spec)
    known = spec.protected
    for index, risk in enumerate(spec.evaluation.gates.bias.accepted_risks):
        if risk.attribute not in known:
            place = ("evaluation", "gates", "bias", "accepted_risks", index, "attribute")
            yield place, f"'{risk.attribute}' is no protected attribute{nearest(risk.attribute, known)}"


def _cut_by_the_label(spec: "Spec") -> Iterator[Found]:
    for index, cut in enumerate(spec.evaluation.slices):
        if spec.data.label in (name.strip() for name in cut.split("*")):
            yield ("evaluation", "slices", index), f"'{spec.data.label}' is the label: cut by what is known before it"


def _groups_that_cannot_be(spec: "Spec") -> Iterator[Found]:
    bias, at = spec.evaluation.gates.bias, ("evaluation", "gates", "bias")
    for name, rule in bias.attributes.items():
        if name == spec.data.label:
            yield (*at, "attributes", name), f"'{name}' is the label, not an attribute of people"
        if rule.bands is not None and spec.data.columns[name].type not in NUMERIC:
            yield (*at, "attributes", name, "bands"), f"bands are for numbers, and '{name}' is none"
        if wrong := _no_group(rule, spec.data.columns[name]):
            yield (*at, "attributes", name, "reference"), wrong
    if spec.problem == BINARY and bias.favourable not in (0, 1):
        yield (*at, "favourable"), f"a binary label is 0 or 1, not {bias.favourable!r}"


def _no_group(rule: AttributeRule, column: Column) -> str:
    """Why no row can be in the reference group; empty where one can."""
    if rule.reference is None:
        return ""
    name, known = group_name(rule.reference), _groups(rule, column)
    if known is not None and name not in known:
        return f"'{name}' is no group of the attribute: {', '.join(known)}{nearest(name, known)}"
    if not rule.bands and column.type in NUMERIC and isinstance(rule.reference, str) and not _is_number(name):
        return f"'{name}' is no value of a column of type {column.type}"
    return ""


def _groups(rule: AttributeRule, column: Column) -> list[str] | None:
    """Names of all groups where the file tells them, None where only the rows do."""
    if rule.bands:
        return band_names(rule.bands)
    if column.type == ColumnType.BOOLEAN:
        return ["0", "1"]
    return [group_name(value) for value in column.domain] if column.domain else None


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
