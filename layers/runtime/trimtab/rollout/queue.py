"""One promotion at a time: the lease, and the approvals that wait for it, read from the ledger's entries."""

from collections.abc import Iterable, Mapping
from typing import Any

from trimtab.contracts import Promotion
from trimtab.errors import ApprovalWithdrawn, LeaseLost
from trimtab.ledger.kinds import APPROVAL_CHECKED, PROMOTION_WAITING
from trimtab.ports import Entry, Ledger, ModelRegistry

LEASE = "promotion"


def waiting(entries: Iterable[Entry]) -> list[str]:
    """ARNs of packages that wait for their turn, newest version first."""
    versions: dict[str, int] = {}
    for entry in entries:
        arn = str(entry.data.get("package_arn", ""))
        if entry.kind == PROMOTION_WAITING:
            versions[arn] = int(entry.data["version"])
        elif entry.kind == APPROVAL_CHECKED and not _still_waits(entry.data):
            versions.pop(arn, None)
    return sorted(versions, key=lambda arn: -versions[arn])


def _still_waits(data: Mapping[str, Any]) -> bool:
    return str(data["outcome"]) == "Busy"


def ensure_may_go_on(ledger: Ledger, registry: ModelRegistry, promotion: Promotion) -> None:
    """Asked by every step before it acts: the lease is still the promotion's, and its package still Approved.

    Raises LeaseLost or ApprovalWithdrawn, so that events in any order end as the registry says now.
    """
    ensure_lease(ledger, promotion)
    package = registry.describe(promotion.package_arn)
    if package.status != "Approved":
        said = f" ({package.description})" if package.description else ""
        raise ApprovalWithdrawn(f"version {promotion.version} is {package.status}{said}: its promotion ends here")


def ensure_lease(ledger: Ledger, promotion: Promotion) -> None:
    """The promotion still holds the lease, so nobody else moves traffic. Raises LeaseLost when it does not."""
    held = ledger.lease_holder(LEASE)
    if held is None or (held.holder, held.fence) != (promotion.id, promotion.fence):
        holder = held.holder if held else "nobody"
        raise LeaseLost(f"{promotion.id} lost the lease to {holder}: approve the package again to promote it")
