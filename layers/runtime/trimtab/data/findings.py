"""Violations from what a scan has counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from trimtab.data.contract import Contract
from trimtab.data.drift import ColumnDrift
from trimtab.data.scan import ColumnScan, Scan
from trimtab.data.source import RaggedRow
from trimtab.data.tally import Tally
from trimtab.data.violation import SHOWN, Severity, Violation

_BROKEN: Final = {
    "type": "cannot be read as {}",
    "finite": "are not {}",
    "range": "are outside {}",
    "domain": "are none of {}",
    "pattern": "do not match {}",
    "references": "are none of {}",
    "event_window": "are not {}",
}
"""How a message goes on after the count of values that break a rule; the braces take the rule's limit."""


_DRIFTS: Final = {
    "psi": "PSI {:.3f}",
    "ks": "the Kolmogorov-Smirnov statistic {:.3f}",
    "jensen_shannon": "the Jensen-Shannon distance {:.3f}",
    "wasserstein": "the Wasserstein distance, {:.3f} interquartile ranges of the reference,",
    "cramers_v": "Cramér's V {:.3f}",
    "missing_rate_change": "the share of missing values, {:+.3f},",
    "new_level_share": "the share of rows with new levels, {:.3f},",
}
"""How a drift is said; the braces take the effect."""


def whole_file_violations(contract: Contract, scan: Scan) -> Iterator[Violation]:
    """What is wrong with the drop as a whole: too few or too many rows, no truth, references without keys."""
    least, most = contract.quality.min_rows, contract.quality.max_rows
    severity = Severity(contract.quality.row_limits) if scan.rows else Severity.REFUSE
    if scan.rows < least:
        message = f"the drop has {scan.rows:,} rows and the contract asks for at least {least:,}"
        yield Violation("min_rows", None, message, severity, scan.rows, least)
    if most is not None and scan.rows > most:
        message = f"the drop has {scan.rows:,} rows and the contract allows at most {most:,}"
        yield Violation("max_rows", None, message, severity, scan.rows, most)
    if contract.label_required and scan.rows and not scan.columns[contract.label].present:
        message = f"no row has a value in '{contract.label}', so there is no truth in the file"
        yield Violation("no_truth", contract.label, message, Severity.REFUSE, 0, 1)


def ragged_violations(ragged: Sequence[RaggedRow], file: str | None) -> Iterator[Violation]:
    """Rows of one file that could not be cut into cells."""
    if ragged:
        first = ragged[:SHOWN]
        yield Violation(
            rule="cells_per_row",
            column=None,
            message=f"{len(ragged):,} rows have more or fewer cells than the header: is a separator or quote missing?",
            severity=Severity.REFUSE,
            measured=len(ragged),
            limit=0,
            count=len(ragged),
            rows=tuple(row.row for row in first),
            values=tuple(f"{row.cells} cells" for row in first),
            files=(file,) * len(first) if file else (),
        )


def column_violations(contract: Contract, scan: Scan, column: ColumnScan) -> Iterator[Violation]:
    """What is wrong with one column that the drop has."""
    if column.conflict:
        yield _conflict(column)
        return
    for tally in column.tallies:
        warns = is_tolerated(contract, scan) or contract.severity(column.name, tally.rule) is Severity.WARN
        yield _broken(tally, scan.rows, Severity.WARN if warns else Severity.REFUSE, contract)
    yield from _missing_share(contract, scan, column)
    yield from _repeated(contract, column)
    yield from _unchecked_reference(contract, column)


def is_tolerated(contract: Contract, scan: Scan) -> bool:
    """Whether few enough rows break rules on rows that they only warn."""
    return contract.lenient or scan.rows_in_violation <= contract.quality.max_violation_share * max(scan.rows, 1)


def _conflict(column: ColumnScan) -> Violation:
    wanted = str(column.column.type)
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
    own = column.column.max_missing_share
    limit = contract.quality.max_missing_share if own is None else own
    share = 1 - column.present / scan.rows if scan.rows else 0.0
    if column.column.nullable and column.name != contract.label and share > limit:
        message = f"{share:.1%} of '{column.name}' is missing and the contract allows {limit:.1%}"
        severity = contract.severity(column.name, "missing_share")
        yield Violation("missing_share", column.name, message, severity, share, limit, scan.rows - column.present)


def _repeated(contract: Contract, column: ColumnScan) -> Iterator[Violation]:
    repeated = column.unique.repeated() if column.unique else None
    if repeated and repeated.count:
        count, first = repeated.count, tuple(row + 1 for row in repeated.rows)
        message = (
            f"{count:,} rows repeat a value of '{column.name}', which must be unique; the first is row {first[0]:,}"
        )
        warns = "unique" in column.column.warn and column.name != contract.id
        severity = Severity.WARN if warns else Severity.REFUSE
        yield Violation("unique", column.name, message, severity, count, 0, count, first)


def _unchecked_reference(contract: Contract, column: ColumnScan) -> Iterator[Violation]:
    dataset = column.column.references
    if dataset is not None and dataset not in contract.occasion.keys:
        message = f"'{column.name}' was not held against '{dataset}', whose keys are not stored"
        yield Violation("references", column.name, message, Severity.WARN, None, dataset)


def freshness_violations(contract: Contract, newest: datetime | None) -> Iterator[Violation]:
    """Whether the newest event is too old for a drop made now."""
    limit, at, name = contract.quality.freshness_hours, contract.occasion.at, contract.event_time
    if limit is None or at is None or newest is None or name is None:
        return
    age = (at - newest) / timedelta(hours=1)
    if age > limit:
        message = f"the newest '{name}' is {age:,.1f} hours before the drop and the contract allows {limit:g}"
        yield Violation("freshness", name, message, contract.severity(name, "freshness"), age, limit)


def drift_violations(drift: Sequence[ColumnDrift]) -> Iterator[Violation]:
    """A warning for every column that its rule calls moved."""
    for column in drift:
        found = column.judgement
        if found is not None and found.moved:
            effect = f"{_DRIFTS[found.statistic].format(found.effect)} is over {found.limit:g}"
            message = f"'{column.column}' has moved from the reference: {effect}"
            yield Violation("drift", column.column, message, Severity.WARN, found.effect, found.limit)
