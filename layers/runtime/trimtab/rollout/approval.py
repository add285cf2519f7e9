"""May this package be deployed? Every reason against it, in words."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from trimtab.ledger import canonical_json
from trimtab.ports import Package
from trimtab.spec.lifecycle import ApprovalSpec

SIGNED_PROPERTIES = ("artifact_sha256", "evaluation_sha256", "code_sha256", "dataset", "run")
SIGNATURE = "signature"
SUBMITTED_BY = "submitted-by"


@dataclass(frozen=True)
class Evidence:
    """What was read anew before deciding: digests of the bytes that lie in S3, and the signature's check."""

    artifact_sha256: str | None
    """None when the artifact is gone."""
    evaluation_sha256: str | None
    signed: bool


def signed_digest(package: Package) -> bytes:
    """SHA-256 (32 bytes) over the canonical manifest that register_candidate signed."""
    manifest = {name: package.properties.get(name, "") for name in SIGNED_PROPERTIES}
    return hashlib.sha256(canonical_json({**manifest, "package_group": package.group}).encode()).digest()


def objections(
    package: Package, evidence: Evidence, approval: ApprovalSpec, serving_version: int | None, at: datetime
) -> list[str]:
    """Reasons why ``package`` must not be deployed at ``at``; empty when it may."""
    return [
        *_status(package),
        *_age(package, approval, at),
        *_order(package, serving_version),
        *_integrity(package, evidence),
        *_four_eyes(package, approval),
    ]


def is_approved(package: Package) -> bool:
    """True for exactly Approved."""
    return package.status == "Approved"


def _status(package: Package) -> Iterator[str]:
    if not is_approved(package):
        yield f"the package is {package.status}, not Approved"


def _age(package: Package, approval: ApprovalSpec, at: datetime) -> Iterator[str]:
    expires = package.created + timedelta(days=approval.expiry_days)
    if at > expires:
        yield (
            f"its evaluation is of {package.created:%Y-%m-%d} and counted until {expires:%Y-%m-%d} "
            f"(approval.expiry_days): train again and approve the new version"
        )


def _order(package: Package, serving_version: int | None) -> Iterator[str]:
    if serving_version is not None and package.version <= serving_version:
        yield f"version {serving_version} serves already, and this is version {package.version}"


def _integrity(package: Package, evidence: Evidence) -> Iterator[str]:
    if not evidence.signed:
        yield "its signature does not belong to its manifest of digests"
    for what, found in (("artifact", evidence.artifact_sha256), ("evaluation", evidence.evaluation_sha256)):
        if found is None:
            yield f"its {what} does not exist any more"
        elif found != package.properties.get(f"{what}_sha256"):
            yield f"its {what} was changed after it was registered"


def _four_eyes(package: Package, approval: ApprovalSpec) -> Iterator[str]:
    submitter, approver = package.properties.get(SUBMITTED_BY), package.approved_by
    if submitter and approver and submitter == approver:
        yield f"{approver} submitted it and approved it: another person has to approve"
    elif approval.four_eyes and not approver:
        yield "approval.four_eyes asks who approved it, and the registry does not know"
