"""The verdict on a drop, with all its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from trimtab.data.drift import ColumnDrift
from trimtab.data.profile import NumberProfile, Profile, TimeProfile
from trimtab.data.reading import Reading
from trimtab.data.violation import Severity, Violation

if TYPE_CHECKING:
    from trimtab.data.drift.domain_classifier import Separation

VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Verdict(StrEnum):
    """What happens to a drop."""

    ACCEPT = "accept"
    ACCEPT_WARN = "accept_warn"
    QUARANTINE = "quarantine"


@dataclass(frozen=True)
class DropReport:
    """What one pass over a file found. The profile is stored beside the report, its summary in it."""

    format: str
    rows: int = 0
    rows_in_violation: int = 0
    """Rows that break at least one rule on single values."""
    period: tuple[datetime, datetime] | None = None
    """First and last event time, UTC, both inclusive."""
    labelled: bool = False
    """Whether any row has a label."""
    violations: tuple[Violation, ...] = ()
    drift: tuple[ColumnDrift, ...] = ()
    profile: Profile | None = None
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Figures of every profiled column, for people."""
    readings: tuple[Reading, ...] = ()
    """How each file was read, in the order of the drop's files."""
    separation: Separation | None = None
    """How well rows can be told from the reference's by all columns together, where that was asked."""

    @property
    def verdict(self) -> Verdict:
        """Quarantine when any violation refuses, else whether there is anything to warn of."""
        if any(violation.severity is Severity.REFUSE for violation in self.violations):
            return Verdict.QUARANTINE
        return Verdict.ACCEPT_WARN if self.violations else Verdict.ACCEPT

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, without the state of the profile."""
        return {
            "version": VERSION,
            "verdict": self.verdict.value,
            "format": self.format,
            "rows": self.rows,
            "rows_in_violation": self.rows_in_violation,
            "period": self.period and {"start": self.period[0].isoformat(), "end": self.period[1].isoformat()},
            "labelled": self.labelled,
            "findings": [violation.to_json() for violation in self.violations],
            "drift": [drift.to_json() for drift in self.drift],
            "separation": self.separation and asdict(self.separation),
            "columns": dict(self.columns),
            "reading": [
                dict(facts) for facts in dict.fromkeys(tuple(each.to_json().items()) for each in self.readings)
            ],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The report that ``to_json`` wrote; its profile is None."""
        from trimtab.data.drift.domain_classifier import Separation

        period, apart = document["period"], document.get("separation")
        return cls(
            format=document["format"],
            rows=document["rows"],
            rows_in_violation=document["rows_in_violation"],
            period=period and (datetime.fromisoformat(period["start"]), datetime.fromisoformat(period["end"])),
            labelled=document["labelled"],
            violations=tuple(Violation.from_json(violation) for violation in document["findings"]),
            drift=tuple(ColumnDrift.from_json(drift) for drift in document["drift"]),
            columns=document["columns"],
            readings=tuple(Reading.from_json(facts) for facts in document.get("reading", ())),
            separation=Separation(**apart) if apart else None,
        )


def unreadable(format: str, message: str, *, rule: str = "readable", rows: int = 0) -> DropReport:
    """The report on a file that could not be read to its end."""
    return DropReport(format, rows=rows, violations=(Violation(rule, None, message, Severity.REFUSE),))


def period_of(times: TimeProfile | None) -> tuple[datetime, datetime] | None:
    """First and last instant of a column of times; None without any."""
    if times is None or times.first is None or times.last is None:
        return None
    return _EPOCH + timedelta(microseconds=times.first), _EPOCH + timedelta(microseconds=times.last)


def column_figures(profile: Profile) -> dict[str, dict[str, Any]]:
    """What people read of every column: counts, extremes, quantiles or commonest levels."""
    figures: dict[str, dict[str, Any]] = {}
    for name, column in profile.columns.items():
        shared = {"kind": column.kind, "rows": column.rows, "missing": column.missing}
        if isinstance(column, TimeProfile):
            period = period_of(column)
            figures[name] = shared | {"first": period and str(period[0]), "last": period and str(period[1])}
            continue
        figures[name] = shared | column.summary()
        if isinstance(column, NumberProfile):
            figures[name] |= {"infinite": column.infinite, **column.moments.to_json()}
    return figures
