"""The report on a drop: report.json for machines, report.html for the people who sent the file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from trimtab.data.drift import ColumnDrift
from trimtab.data.reading import Reading
from trimtab.data.report import DropReport
from trimtab.data.validate import PSI_LIMIT
from trimtab.data.violation import Severity
from trimtab.reports.advice import advice_for
from trimtab.reports.svg import Bar, bar_chart, paired_columns

PAGE_BYTES: Final = 200_000
"""A page is shorter than this whatever the drop: lists are halved until it is; report.json has everything."""
_SHOWN: Final = {"violations": 40, "columns": 120, "drifts": 6}

_HEADLINES: Final = {
    "accept": "Accepted",
    "accept_warn": "Accepted, with warnings",
    "quarantine": "Refused and kept in quarantine",
}


@dataclass(frozen=True)
class DropFile:
    """The file that a report is about."""

    model: str
    drop_id: str
    kind: str
    uri: str
    version: str
    size: int
    """Bytes."""
    at: str
    """When it was dropped, ISO 8601."""


def report_json(report: DropReport, file: DropFile) -> bytes:
    """The whole report as a JSON file, with advice beside every violation."""
    document = report.to_json()
    violations = [found | {"advice": advice_for(found["rule"])} for found in document["findings"]]
    whole = {"file": vars(file)} | document | {"findings": violations}
    return json.dumps(whole, indent=1, allow_nan=False).encode()


def report_html(report: DropReport, file: DropFile, *, psi_limit: float = PSI_LIMIT) -> bytes:
    """The report as one page without a network: under 200 KB, a table under every chart."""
    pages = (_page(report, file, psi_limit, halvings) for halvings in range(8))
    return next((page for page in pages if len(page) < PAGE_BYTES), _page(report, file, psi_limit, 8))


def _page(report: DropReport, file: DropFile, psi_limit: float, halvings: int) -> bytes:
    violations, columns, drifts = (shown >> halvings for shown in _SHOWN.values())
    page = _template().render(
        file=file,
        report=report,
        headline=_HEADLINES[report.verdict.value],
        summary=_summary(report),
        violations=[(found, advice_for(found.rule)) for found in report.violations[:violations]],
        violations_left=max(len(report.violations) - violations, 0),
        columns=list(report.columns.items())[:columns],
        columns_left=max(len(report.columns) - columns, 0),
        drift_chart=_drift_chart(report.drift[:columns], psi_limit),
        missing_chart=_missing_chart(report, columns),
        drifts=report.drift[:columns],
        details=[(drift, _bins_chart(drift), _bin_rows(drift)) for drift in report.drift[:drifts]],
        psi_limit=psi_limit,
        files=len(report.readings),
        readings=[said for reading in dict.fromkeys(report.readings) if (said := _reading(reading))],
    )
    return page.encode()


def _reading(reading: Reading) -> str:
    """How a text file was written, in words; nothing for Parquet."""
    form, dialect = reading.form, reading.dialect
    if form is None:
        return ""
    said = [form.encoding + (" with a byte order mark" if form.byte_order_mark else ""), form.compression]
    if dialect:
        said += [f"delimiter {dialect.delimiter!r}", f"quote {dialect.quote}", f"decimal {dialect.decimal}"]
    return ", ".join(part for part in said if part)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    return environment.get_template("drop_report.html")


def figure(value: Any) -> str:
    """A number as people read it: four significant digits, thousands apart; a dash for nothing."""
    if value is None:
        return "–"
    if isinstance(value, float) and not value.is_integer():
        return f"{value:,.4g}" if abs(value) < 1e6 else f"{value:.4g}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.4g}"
    return str(value)


def _summary(report: DropReport) -> str:
    refused = sum(found.severity is Severity.REFUSE for found in report.violations)
    warned = len(report.violations) - refused
    if refused:
        return f"{refused} rule{_s(refused)} of the contract refuse{'s' if refused == 1 else ''} this file. " + (
            "It was not used for training; the original and a copy are kept."
        )
    if warned:
        return f"The file was taken in. {warned} warning{_s(warned)} should be looked at."
    return "The file keeps its contract in every row."


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _drift_chart(drifts: Sequence[ColumnDrift], psi_limit: float) -> Markup:
    bars = [Bar(drift.column, drift.psi, f"{drift.psi:.3f}") for drift in drifts if drift.psi is not None]
    return bar_chart("Population stability index by column", bars, psi_limit) if bars else Markup("")


def _missing_chart(report: DropReport, limit: int) -> Markup:
    shares = {name: column["missing"] / column["rows"] for name, column in report.columns.items() if column["rows"]}
    ranked = sorted(((share, name) for name, share in shares.items() if share > 0), reverse=True)[:limit]
    bars = [Bar(name, share, f"{share:.1%}") for share, name in ranked]
    return bar_chart("Share of missing values by column", bars) if bars else Markup("")


def _bin_rows(drift: ColumnDrift) -> list[tuple[str, float, float]]:
    left, right = _shares(drift.bins.reference), _shares(drift.bins.current)
    return list(zip(drift.bins.labels, left, right, strict=True))


def _bins_chart(drift: ColumnDrift) -> Markup:
    labels, left, right = zip(*_bin_rows(drift), strict=True)
    return paired_columns(f"{drift.column}: shares by bin", labels, left, right)


def _shares(counts: tuple[int, ...]) -> list[float]:
    total = max(sum(counts), 1)
    return [count / total for count in counts]
