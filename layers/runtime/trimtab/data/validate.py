"""One pass over each file of a drop: contract, profile and drift, ending in a report. Drift warns and never refuses.

A drop is judged in two steps that may run apart: `examine` turns each file, or some row groups of a Parquet file, into
a `Partial`; `conclude` turns the partials of a drop, in their order, into the report. One file or many, in one piece or
in many, the figures are the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, BinaryIO, Literal, Self

from trimtab.data.checks import checks_of
from trimtab.data.contract import NO_OCCASION, Contract, Occasion, data_contract, truth_contract
from trimtab.data.drift import DriftRules, compare
from trimtab.data.findings import (
    column_violations,
    drift_violations,
    freshness_violations,
    is_tolerated,
    ragged_violations,
    whole_file_violations,
)
from trimtab.data.limits import DEFAULT_LIMITS, Limits
from trimtab.data.places import FileRows, located
from trimtab.data.profile import Profile, profiled_columns
from trimtab.data.read import Format, open_source
from trimtab.data.reading import Reading
from trimtab.data.report import DropReport, column_figures, period_of
from trimtab.data.scan import Scan
from trimtab.data.source import RaggedRow, Source, StoppedError
from trimtab.data.state_file import Tree
from trimtab.data.structure import check_structure
from trimtab.data.violation import Severity, Violation
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import DataSpec

ANY_DRIFT = DriftRules()
"""Every column is held to the usual limit on PSI."""


@dataclass(frozen=True)
class Gate:
    """What a drop is held against."""

    contract: Contract
    profiled: tuple[str, ...]
    compared: tuple[str, ...] = ()
    """Columns whose drift is measured."""
    reference: Profile | None = None
    rules: DriftRules = ANY_DRIFT
    limits: Limits = DEFAULT_LIMITS

    @classmethod
    def of(
        cls,
        data: DataSpec,
        reference: Profile | None = None,
        *,
        kind: Literal["data", "truth"] = "data",
        rules: DriftRules = ANY_DRIFT,
        limits: Limits = DEFAULT_LIMITS,
        occasion: Occasion = NO_OCCASION,
    ) -> Gate:
        """The gate of one kind of drop; ``reference`` is the profile that drift is measured against (data only)."""
        if kind == "truth":
            return cls(truth_contract(data), (data.label,), limits=limits)
        names = tuple(profiled_columns(data))
        return cls(data_contract(data, occasion), names, data.features, reference, rules, limits)


@dataclass(frozen=True)
class Partial:
    """What one file of a drop, or a piece of one, has shown."""

    file: str
    reading: Reading
    names: tuple[str, ...] = ()
    scan: Scan | None = None
    """None when the file could not be read to its end."""
    ragged: tuple[RaggedRow, ...] = ()
    row_groups: tuple[int, ...] = ()
    failure: Violation | None = None
    rows_read: int = 0

    def state(self) -> Tree:
        """The partial for a file (see `trimtab.data.state_file`)."""
        return {
            "file": self.file,
            "reading": self.reading.to_json(),
            "warnings": [violation.to_json() for violation in self.reading.violations],
            "names": self.names,
            "scan": self.scan and self.scan.state(),
            "ragged": [[row.row, row.cells] for row in self.ragged],
            "row_groups": self.row_groups,
            "failure": self.failure and self.failure.to_json(),
            "rows_read": self.rows_read,
        }

    @classmethod
    def of_state(cls, state: Tree, gate: Gate) -> Self:
        """The partial whose ``state`` a gate of the same contract gave."""
        warnings = tuple(Violation.from_json(warning) for warning in state["warnings"])
        scan = _scan(gate, text=False) if state["scan"] else None
        if scan is not None:
            scan.take(state["scan"])
        return cls(
            state["file"],
            replace(Reading.from_json(state["reading"]), violations=warnings),
            tuple(state["names"]),
            scan,
            tuple(RaggedRow(*row) for row in state["ragged"]),
            tuple(state["row_groups"]),
            Violation.from_json(state["failure"]) if state["failure"] else None,
            state["rows_read"],
        )

    @property
    def place(self) -> FileRows:
        """Where its rows stand."""
        rows = self.scan.rows if self.scan else 0
        return FileRows(self.file, rows, tuple(row.row for row in self.ragged), self.row_groups)


def validate(
    stream: BinaryIO,
    format: Format,
    data: DataSpec,
    reference: Profile | None = None,
    *,
    kind: Literal["data", "truth"] = "data",
    rules: DriftRules = ANY_DRIFT,
    limits: Limits = DEFAULT_LIMITS,
    occasion: Occasion = NO_OCCASION,
) -> DropReport:
    """The report on a drop of one file, which is read in constant memory.

    ``stream`` is seekable. A file that cannot be read ends in a report that refuses it, never in an error. Raises
    SpecError when the contract itself is wrong.
    """
    gate = Gate.of(data, reference, kind=kind, rules=rules, limits=limits, occasion=occasion)
    return conclude([examine(stream, format, gate)], gate)


def examine(
    stream: BinaryIO, format: Format, gate: Gate, file: str = "", row_groups: Sequence[int] | None = None
) -> Partial:
    """What one file shows; ``file`` is its name within the drop, ``row_groups`` those that are read (default: all)."""
    reading, scan = Reading(format), None
    try:
        columns = dict(gate.contract.columns)
        source = open_source(stream, format, columns, gate.limits, gate.contract.csv, row_groups)
        reading = source.reading
        scan = _scan(gate, text=source.is_text)
        for chunk in source.chunks():
            scan.add(chunk)
    except DataError as error:
        failure = Violation(error.rule, None, f"{file}: {error}" if file else str(error), Severity.REFUSE)
        rows_read = 0 if scan is None or isinstance(error, StoppedError) else scan.rows
        return Partial(file, reading, failure=failure, rows_read=rows_read)
    return _whole(file, source, scan)


def _scan(gate: Gate, *, text: bool) -> Scan:
    return Scan(gate.contract, gate.profiled, text=text, watchers=checks_of(gate.contract))


def _whole(file: str, source: Source, scan: Scan) -> Partial:
    return Partial(
        file,
        source.reading,
        tuple(source.names),
        scan,
        tuple(source.ragged),
        tuple(source.row_groups),
        rows_read=scan.rows,
    )


def conclude(partials: Sequence[Partial], gate: Gate, found: Sequence[Violation] = ()) -> DropReport:
    """The report on a drop from what its files have shown, in their order; ``found`` is what was known before.

    The partials are used up: the first takes the others in. Pieces of one file follow each other.
    """
    partials = _files(partials)
    formats = tuple(dict.fromkeys(partial.reading.format for partial in partials))
    failures = [partial.failure for partial in partials if partial.failure]
    scans = [partial.scan for partial in partials if partial.scan is not None]
    if failures or not scans:
        rows = sum(partial.rows_read for partial in partials)
        readings = tuple(partial.reading for partial in partials)
        return DropReport(", ".join(formats), rows=rows, violations=(*found, *failures), readings=readings)
    places = [partial.place for partial in partials]
    for scan in scans[1:]:
        scans[0].merge(scan)
    return _report(", ".join(formats), gate, partials, scans[0], places, found)


def _files(partials: Sequence[Partial]) -> list[Partial]:
    """One partial a file. What follows a damaged piece of a file was not read, as in one pass."""
    return [_file(list(pieces)) for _, pieces in groupby(partials, key=lambda partial: partial.file)]


def _file(pieces: Sequence[Partial]) -> Partial:
    whole = pieces[0]
    for piece in pieces[1:]:
        if whole.scan is None or piece.scan is None:
            failed = whole if whole.scan is None else piece
            rows_read = whole.rows_read + (piece.rows_read if failed is piece else 0)
            return replace(failed, rows_read=rows_read)
        whole.scan.merge(piece.scan)
        whole = replace(whole, rows_read=whole.rows_read + piece.rows_read)
    return whole


def _report(
    format: str,
    gate: Gate,
    partials: Sequence[Partial],
    scan: Scan,
    places: Sequence[FileRows],
    found: Sequence[Violation],
) -> DropReport:
    contract = gate.contract
    present = [name for name in contract.columns if any(name in partial.names for partial in partials)]
    profile = scan.profile(name for name in gate.profiled if name in present)
    found_drift = [] if gate.reference is None else compare(gate.reference, profile, gate.compared)
    drift = gate.rules.judge(found_drift)
    period = period_of(scan.times(contract.event_time))
    violations = [
        *found,
        *_of_files(contract, partials),
        *whole_file_violations(contract, scan),
        *located(list(_of_rows(contract, scan, present)), places),
        *freshness_violations(contract, period and period[1]),
        *drift_violations(drift),
    ]
    return DropReport(
        format=format,
        rows=scan.rows,
        rows_in_violation=scan.rows_in_violation,
        period=period,
        labelled=contract.label in present and scan.columns[contract.label].present > 0,
        violations=tuple(sorted(violations, key=lambda violation: violation.severity.value)),
        drift=tuple(drift),
        profile=profile,
        columns=column_figures(profile),
        readings=tuple(partial.reading for partial in partials),
    )


def _of_rows(contract: Contract, scan: Scan, present: Sequence[str]) -> Iterator[Violation]:
    for name in present:
        yield from column_violations(contract, scan, scan.columns[name])
    for check in scan.watchers:
        yield from check.violations(scan.rows, tolerated=is_tolerated(contract, scan))


def _of_files(contract: Contract, partials: Sequence[Partial]) -> Iterator[Violation]:
    """What is wrong with each file's form, told once where several files share it."""
    files: dict[Violation, list[str]] = {}
    for partial in partials:
        file = partial.file or None
        for violation in (
            *partial.reading.violations,
            *check_structure(contract, partial.names),
            *ragged_violations(partial.ragged, file if len(partials) > 1 else None),
        ):
            files.setdefault(violation, []).append(partial.file)
    for violation, names in files.items():
        some = len(partials) > 1 and len(names) < len(partials)
        yield replace(violation, message=f"{_listed(names)}: {violation.message}") if some else violation


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
