"""Violations from what a scan has counted."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from trimtab.data.contract import Contract
from trimtab.data.drift import ColumnDrift
from trimtab.data.scan import ColumnScan, Scan, Tally
from trimtab.data.source import RaggedRow
from trimtab.data.violation import SHOWN, Severity, Violation

_BROKEN: Final = {
    "type": "cannot be read as {}",
    "finite": "are not {}",
    "range": "are outside {}",
    "domain": "are none of {}",
    "pattern": "do not match {}",
}
"""How a message goes on after the count of values that break a rule; the braces take the rule's limit."""


def whole_file_violations(contract: Contract, scan: Scan, ragged: Sequence[RaggedRow]) -> Iterator[Violation]:
    """What is wrong with the file as a whole: too few rows, rows that could not be cut into cells, no truth."""
    wanted = contract.quality.min_rows
    if scan.rows < wanted:
        message = f"the file has {scan.rows:,} rows and the contract asks for at least {wanted:,}"
        yield Violation("min_rows", None, message, Severity.REFUSE, scan.rows, wanted)
    if ragged:
        yield _ragged(ragged)
    if contract.label_required and scan.rows and not scan.columns[contract.label].present:
        message = f"no row has a value in '{contract.label}', so there is no truth in the file"
        yield Violation("no_truth", contract.label, message, Severity.REFUSE, 0, 1)


def _ragged(ragged: Sequence[RaggedRow]) -> Violation:
    return Violation(
        rule="cells_per_row",
        column=None,
        message=f"{len(ragged):,} rows have more or fewer cells than the header: is a separator or quote missing?",
        severity=Severity.REFUSE,
        measured=len(ragged),
        limit=0,
        count=len(ragged),
        rows=tuple(row.row for row in ragged[:SHOWN]),
        values=tuple(f"{row.cells} cells" for row in ragged[:SHOWN]),
    )


def column_violations(contract: Contract, scan: Scan, column: ColumnScan) -> Iterator[Violation]:
    """What is wrong with one column that the file has."""
    if column.conflict:
        yield _conflict(column)
        return
    share = scan.rows_in_violation / max(scan.rows, 1)
    tolerated = contract.lenient or share <= contract.quality.max_violation_share
    for tally in column.tallies:
        yield _broken(tally, scan.rows, Severity.WARN if tolerated else Severity.REFUSE, contract)
    yield from _missing_share(contract, scan, column)
    yield from _repeated(column)


def _conflict(column: ColumnScan) -> Violation:
    wanted = column.column.type.value
    message = f"the column '{column.name}' is {column.conflict} in the file, which cannot be read as {wanted}"
    return Violation("type", column.name, message, Severity.REFUSE, column.conflict, wanted)


def _broken(tally: Tally, rows: int, severity: Severity, contract: Contract) -> Violation:
    return Violation(
        rule=tally.rule,
        column=tally.column,
        message=_sentence(tally, rows),
        severity=severity,
        measured=tally.count / rows,
        limit=contract.quality.max_violation_share,
        count=tally.count,
        rows=tuple(tally.rows),
        values=tuple(tally.values),
    )


def _sentence(tally: Tally, rows: int) -> str:
    subject = f"{tally.count:,} of {rows:,} values of '{tally.column}'"
    if tally.rule == "not_null":
        return f"{subject} are missing and the column is not nullable"
    return f"{subject} {_BROKEN[tally.rule].format(tally.limit)}; row {tally.rows[0]:,} has '{tally.values[0]}'"


def _missing_share(contract: Contract, scan: Scan, column: ColumnScan) -> Iterator[Violation]:
    limit = contract.quality.max_missing_share
    share = 1 - column.present / scan.rows if scan.rows else 0.0
    if column.column.nullable and column.name != contract.label and share > limit:
        message = f"{share:.1%} of '{column.name}' is missing and the contract allows {limit:.1%}"
        severity = Severity.WARN if contract.lenient else Severity.REFUSE
        yield Violation("missing_share", column.name, message, severity, share, limit, scan.rows - column.present)


def _repeated(column: ColumnScan) -> Iterator[Violation]:
    rows = column.unique.repeated_rows() if column.unique else ()
    if len(rows):
        shown = tuple(int(row) + 1 for row in rows[:SHOWN])
        message = (
            f"{len(rows):,} rows repeat a value of '{column.name}', which must be unique; the first is row {shown[0]:,}"
        )
        yield Violation("unique", column.name, message, Severity.REFUSE, len(rows), 0, len(rows), shown)


def drift_violations(drift: Sequence[ColumnDrift], limit: float) -> Iterator[Violation]:
    """A warning for every column whose PSI is over the limit."""
    for column in drift:
        if column.psi is not None and column.psi > limit:
            message = f"'{column.column}' has moved from the reference: PSI {column.psi:.3f} is over {limit:g}"
            yield Violation("drift", column.column, message, Severity.WARN, column.psi, limit)


def located(violations: Sequence[Violation], ragged: Sequence[RaggedRow]) -> list[Violation]:
    """The violations with row numbers that count the rows which could not be cut into cells."""
    before = [row.row - skipped for skipped, row in enumerate(ragged)]
    return [
        found
        if found.rule == "cells_per_row"
        else replace(found, rows=tuple(_place(row, before) for row in found.rows))
        for found in violations
    ]


def _place(row: int, before: Sequence[int]) -> int:
    """``before[k]`` is the number that the row after the k-th ragged one has when ragged rows are not counted."""
    return row + bisect_right(before, row)
