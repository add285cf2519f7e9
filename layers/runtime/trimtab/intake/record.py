"""Entries of the ledger about drops, written once however often a step is retried."""

from collections.abc import Mapping
from typing import Any

from trimtab.contracts import Drop
from trimtab.ports import Entry, Ledger


def recorded(ledger: Ledger, kind: str, subject: str, execution: str) -> Entry | None:
    """The entry of this kind that an earlier attempt of the same execution wrote."""
    entries = ledger.entries(kind, subject)
    return next((entry for entry in entries if entry.kind == kind and entry.data["execution"] == execution), None)


def about(drop: Drop, execution: str, summary: str, **more: Any) -> Mapping[str, Any]:
    """What every entry about a drop holds."""
    return drop.to_json() | {"uri": drop.uri, "execution": execution, "summary": summary} | more
