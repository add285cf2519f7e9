"""Entries of the ledger about drops, written once however often a step is retried."""

from collections.abc import Mapping
from typing import Any, Final

from trimtab.contracts import Drop
from trimtab.ports import Entry, Ledger

CLAIMED: Final = "drop.claimed"
PLANNED: Final = "drop.planned"
DUPLICATE: Final = "drop.duplicate"
SUPERSEDED: Final = "drop.superseded"
REMOVED: Final = "drop.removed"
ACCEPTED: Final = "drop.accepted"
QUARANTINED: Final = "drop.quarantined"
FAILED: Final = "machine.failed"


def recorded(ledger: Ledger, kind: str, subject: str, execution: str) -> Entry | None:
    """The entry of this kind that an earlier attempt of the same execution wrote."""
    entries = ledger.entries(kind, subject)
    return next((entry for entry in entries if entry.kind == kind and entry.data["execution"] == execution), None)


def about(drop: Drop, execution: str, summary: str, **more: Any) -> Mapping[str, Any]:
    """What every entry about a drop holds."""
    return drop.to_json() | {"uri": drop.uri, "execution": execution, "summary": summary} | more
