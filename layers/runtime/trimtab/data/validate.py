"""One pass over a file: contract, profile and drift, ending in a report. Drift warns at intake and never refuses."""

from dataclasses import dataclass
from typing import BinaryIO, Literal

from trimtab.data.contract import Contract, check_structure, data_contract, truth_contract
from trimtab.data.drift import compare
from trimtab.data.findings import column_violations, drift_violations, located, whole_file_violations
from trimtab.data.limits import DEFAULT_LIMITS, Limits
from trimtab.data.profile import Profile, profiled_columns
from trimtab.data.read import Format, open_source
from trimtab.data.report import DropReport, column_figures, period_of, unreadable
from trimtab.data.scan import Scan
from trimtab.data.source import Source
from trimtab.errors import DataError
from trimtab.spec import DataSpec

PSI_LIMIT = 0.25
"""Above this a shift is usually called large (Siddiqi 2006)."""


@dataclass(frozen=True)
class Gate:
    """What a drop is held against."""

    contract: Contract
    profiled: tuple[str, ...]
    compared: tuple[str, ...] = ()
    """Columns whose drift is measured."""
    reference: Profile | None = None
    psi_limit: float = PSI_LIMIT
    limits: Limits = DEFAULT_LIMITS


def validate(
    stream: BinaryIO,
    format: Format,
    data: DataSpec,
    reference: Profile | None = None,
    *,
    kind: Literal["data", "truth"] = "data",
    psi_limit: float = PSI_LIMIT,
    limits: Limits = DEFAULT_LIMITS,
) -> DropReport:
    """The report on one file, which is read once in constant memory.

    ``stream`` is seekable; ``reference`` is the profile that drift is measured against (data only). A file that cannot
    be read ends in a report that refuses it, never in an error. Raises SpecError when the contract itself is wrong.
    """
    if kind == "truth":
        return judge(stream, format, Gate(truth_contract(data), (data.label,), limits=limits))
    names = tuple(profiled_columns(data))
    gate = Gate(data_contract(data), names, data.features, reference, psi_limit, limits)
    return judge(stream, format, gate)


def judge(stream: BinaryIO, format: Format, gate: Gate) -> DropReport:
    """The report on one file that is held against a gate."""
    rows = 0
    try:
        source = open_source(stream, format, dict(gate.contract.columns), gate.limits)
        scan = Scan(gate.contract, gate.profiled, text=source.is_text)
        for chunk in source.chunks():
            scan.add(chunk)
            rows = scan.rows
    except DataError as error:
        return unreadable(format, str(error), rows=rows)
    return _report(format, gate, source, scan)


def _report(format: Format, gate: Gate, source: Source, scan: Scan) -> DropReport:
    present = [name for name in gate.contract.columns if name in source.names]
    profile = scan.profile(name for name in gate.profiled if name in present)
    drift = [] if gate.reference is None else compare(gate.reference, profile, gate.compared)
    label = scan.columns[gate.contract.label]
    violations = [
        *check_structure(gate.contract, source.names),
        *whole_file_violations(gate.contract, scan, source.ragged),
        *(found for name in present for found in column_violations(gate.contract, scan, scan.columns[name])),
        *drift_violations(drift, gate.psi_limit),
    ]
    return DropReport(
        format=format,
        rows=scan.rows,
        rows_in_violation=scan.rows_in_violation,
        period=period_of(scan.times(gate.contract.event_time)),
        labelled=gate.contract.label in present and label.present > 0,
        violations=tuple(sorted(located(violations, source.ragged), key=lambda found: found.severity.value)),
        drift=tuple(drift),
        profile=profile,
        columns=column_figures(profile),
    )
