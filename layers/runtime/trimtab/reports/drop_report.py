"""The report on a drop: report.json for machines, report.html for the people who sent the file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from trimtab.data.drift import ColumnDrift, Judgement
from trimtab.data.reading import Reading
from trimtab.data.report import DropReport
from trimtab.data.violation import Severity
from trimtab.reports.advice import advice_for
from trimtab.reports.figures import PAGE_BYTES, figure
from trimtab.reports.pages import template
from trimtab.reports.svg import Bar, bar_chart, paired_columns

_SHOWN: Final = {"violations": 40, "columns": 120, "drifts": 6}

_HEADLINES: Final = {
    "accept": ("Accepted", "Would be accepted"),
    "accept_warn": ("Accepted, with warnings", "Would be accepted, with warnings"),
    "quarantine": ("Refused and kept in quarantine", "Would be refused"),
}
"""Of a drop, and of a file that was only checked."""
_STATISTICS: Final = {
    "psi": "PSI",
    "ks": "KS",
    "jensen_shannon": "Jensen–Shannon",
    "wasserstein": "Wasserstein",
    "cramers_v": "Cramér's V",
    "missing_rate_change": "missing, change",
    "new_level_share": "new levels",
}


@dataclass(frozen=True)
class DropFile:
    """The file that a report is about."""

    model: str
    drop_id: str
    """Empty for a file of somebody's machine that was only checked."""
    kind: str
    """data, truth, or comparison: of a file with another one, which no contract is held against."""
    uri: str
    version: str
    size: int
    """Bytes."""
    at: str
    """When it was dropped, ISO 8601."""

    @property
    def is_dropped(self) -> bool:
        """Whether it came into the pipeline, which then did something with it."""
        return bool(self.drop_id)


def report_json(report: DropReport, file: DropFile) -> bytes:
    """The whole report as a JSON file, with advice beside every violation."""
    document = report.to_json()
    violations = [found | {"advice": advice_for(found["rule"])} for found in document["findings"]]
    whole = {"file": vars(file)} | document | {"findings": violations}
    return json.dumps(whole, indent=1, allow_nan=False).encode()


def report_html(report: DropReport, file: DropFile) -> bytes:
    """The report as one page without a network: under 200 KB, a table under every chart."""
    pages = (_page(report, file, halvings) for halvings in range(8))
    return next((page for page in pages if len(page) < PAGE_BYTES), _page(report, file, 8))


def _page(report: DropReport, file: DropFile, halvings: int) -> bytes:
    violations, columns, drifts = (shown >> halvings for shown in _SHOWN.values())
    page = template("drop_report.html").render(
        file=file,
        report=report,
        headline=_headline(report, file),
        summary=_summary(report, file),
        violations=[(found, advice_for(found.rule)) for found in report.violations[:violations]],
        violations_left=max(len(report.violations) - violations, 0),
        columns=list(report.columns.items())[:columns],
        columns_left=max(len(report.columns) - columns, 0),
        drift_chart=_drift_chart(report.drift[:columns]),
        missing_chart=_missing_chart(report, columns),
        drifts=[(drift, rule_said(drift.judgement)) for drift in report.drift[:columns]],
        details=[(drift, _bins_chart(drift), _bin_rows(drift)) for drift in report.drift[:drifts]],
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


def _headline(report: DropReport, file: DropFile) -> str:
    if file.kind != "comparison":
        return _HEADLINES[report.verdict.value][0 if file.is_dropped else 1]
    moved = sum(drift.judgement is not None and drift.judgement.moved for drift in report.drift)
    return f"{moved or 'No'} column{_s(moved or 1)} moved"


def _summary(report: DropReport, file: DropFile) -> str:
    if file.kind == "comparison":
        return "How far the columns of one file are from those of another. No contract was held against them."
    refused = sum(found.severity is Severity.REFUSE for found in report.violations)
    warned = len(report.violations) - refused
    if refused:
        return f"{refused} rule{_s(refused)} of the contract refuse{'s' if refused == 1 else ''} this file. " + (
            "It was not used for training; the original and a copy are kept."
            if file.is_dropped
            else "Dropped as it is, it would be set aside and not used for training."
        )
    if warned:
        taken = "was taken in" if file.is_dropped else "would be taken in"
        return f"The file {taken}. {warned} warning{_s(warned)} should be looked at."
    return "The file keeps its contract in every row."


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _drift_chart(drifts: Sequence[ColumnDrift]) -> Markup:
    judged = [(drift.column, drift.judgement) for drift in drifts if drift.judgement is not None]
    bars = [Bar(column, found.share_of_limit, _effect(found)) for column, found in judged]
    return bar_chart("Drift by column, as a share of its limit", bars, 1.0) if bars else Markup("")


def _effect(found: Judgement) -> str:
    return f"{found.effect:.3f}" if found.statistic == "psi" else f"{_STATISTICS[found.statistic]} {found.effect:.3f}"


def rule_said(found: Judgement | None) -> str:
    """What a column's drift was held against, and with what result; a dash where it does not count."""
    if found is None:
        return "–"
    result = "moved" if found.moved else "may be chance" if found.share_of_limit > 1 else "within"
    return f"{_STATISTICS[found.statistic]} at most {figure(found.limit)}: {result}"


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
