"""Finding what was decided before, so that a retried step decides nothing twice."""

from collections.abc import Mapping
from typing import Any

from trimtab.ports import Entry, Ledger


def latest(ledger: Ledger, kind: str, subject: str | None = None) -> Entry | None:
    """The newest entry of exactly ``kind`` (and about ``subject``), or None."""
    found = [entry for entry in ledger.entries(kind, subject) if entry.kind == kind]
    return found[-1] if found else None


def decided(ledger: Ledger, kind: str, subject: str) -> Mapping[str, Any] | None:
    """Data of the entry that a first attempt of this step wrote, or None."""
    entry = latest(ledger, kind, subject)
    return entry.data if entry else None
