"""Checks that need more than one value to decide; each file is one, and says what it keeps and when it speaks."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.data.checks.check import Check
from trimtab.data.checks.condition import ConditionCheck
from trimtab.data.checks.duplicates import DuplicateCheck
from trimtab.data.checks.leakage import LeakageCheck
from trimtab.data.checks.monotonic import MonotonicCheck
from trimtab.data.checks.shapes import FORMULAS, SHAPES, ShapeCheck
from trimtab.data.contract import Contract
from trimtab.data.violation import Severity

__all__ = ["Check", "checks_of"]


def checks_of(contract: Contract) -> list[Check]:
    """The checks that a contract asks for, untouched by any row."""
    return [
        *(ConditionCheck(rule) for rule in contract.checks),
        *_monotonic(contract),
        *_duplicates(contract),
        *_leakage(contract),
        *_shapes(contract),
    ]


def _monotonic(contract: Contract) -> Iterator[Check]:
    for name, column in contract.columns.items():
        if column.monotonic is not None:
            strictly = column.monotonic == "strictly_increasing"
            yield MonotonicCheck(name, contract.severity(name, "monotonic"), strictly=strictly)


def _duplicates(contract: Contract) -> Iterator[Check]:
    if contract.quality.duplicate_rows != "off":
        columns = tuple(name for name in contract.columns if name != contract.id)
        yield DuplicateCheck(columns, Severity(contract.quality.duplicate_rows))


def _leakage(contract: Contract) -> Iterator[Check]:
    if contract.quality.label_leakage != "off":
        for feature in contract.features:
            yield LeakageCheck(feature, contract.label, Severity(contract.quality.label_leakage))


def _shapes(contract: Contract) -> Iterator[Check]:
    if not contract.closed:
        return
    for name, column in contract.columns.items():
        if column.type == "string" and column.domain is None and column.pattern is None:
            looked_for = contract.quality.personal_data == "warn" and not column.personal
            yield ShapeCheck(name, (*(SHAPES if looked_for else ()), FORMULAS))
