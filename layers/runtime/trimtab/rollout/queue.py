"""One promotion at a time: the lease, and the approvals that wait for it, read from the ledger's entries."""

from collections.abc import Iterable, Mapping
from typing import Any

from trimtab.contracts import Promotion
from trimtab.errors import LeaseLost
from trimtab.ports import Entry, Ledger

LEASE = "promotion"
WAITING = "promotion.waiting"
CHECKED = "approval.checked"


def waiting(entries: Iterable[Entry]) -> list[str]:
    """ARNs of packages that wait for their turn, newest version first."""
    versions: dict[str, int] = {}
    for entry in entries:
        arn = str(entry.data.get("package_arn", ""))
        if entry.kind == WAITING:
            versions[arn] = int(entry.data["version"])
        elif entry.kind == CHECKED and not _still_waits(entry.data):
            versions.pop(arn, None)
    return sorted(versions, key=lambda arn: -versions[arn])


def _still_waits(data: Mapping[str, Any]) -> bool:
    return str(data["outcome"]) == "Busy"


def ensure_lease(ledger: Ledger, promotion: Promotion) -> None:
    """The promotion still holds the lease, so nobody else moves traffic. Raises LeaseLost when it does not."""
    held = ledger.lease_holder(LEASE)
    if held is None or (held.holder, held.fence) != (promotion.id, promotion.fence):
        holder = held.holder if held else "nobody"
        raise LeaseLost(f"{promotion.id} lost the lease to {holder}: approve the package again to promote it")
