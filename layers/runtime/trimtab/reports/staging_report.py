"""The page of a staging test: what was tried, and what came of it. One file without scripts or addresses."""

from collections.abc import Mapping
from typing import Any, Final

from trimtab.reports.pages import template

_KINDS: Final = {
    "missing": "A column is missing",
    "null": "A column is null",
    "type": "A value of another type",
    "extreme": "A value at the edge of its type",
    "broken": "A body that is no request",
    "content type": "Another content type",
    "extra": "More than the contract asks for",
    "many": "Many records at once",
}
"""What a check's name begins with, for those of which there are many."""


def staging_page(model: str, report: Mapping[str, Any]) -> str:
    """The page of a report as the function test_staging writes it."""
    failed = [check for check in report["checks"] if not check["passed"]]
    single = [check for check in report["checks"] if _kind(check) is None]
    many = [(title, _of_kind(report, kind)) for kind, title in _KINDS.items()]
    return template("staging_report.html").render(
        model=model,
        version=report["promotion"]["version"],
        report=report,
        failed=failed,
        single=single,
        many=[(title, checks, sum(check["passed"] for check in checks)) for title, checks in many if checks],
    )


def _kind(check: Mapping[str, Any]) -> str | None:
    begins = str(check["name"]).partition(":")[0]
    return begins if begins in _KINDS else None


def _of_kind(report: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [check for check in report["checks"] if _kind(check) == kind]
