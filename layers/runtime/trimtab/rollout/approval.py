"""May this package be deployed? Every reason against it, in words."""

import hashlib
from collections.abc import Iterator, Mapping
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


@dataclass(frozen=True)
class Objection:
    """A reason against deploying a package."""

    reason: str
    disqualifies: bool = False
    """Approving the same package again cannot mend it, so its status is turned to Rejected."""


def signed_digest(package: Package) -> bytes:
    """SHA-256 (32 bytes) over the canonical manifest that register_candidate signed."""
    return manifest_digest(package.group, package.properties)


def manifest_digest(group: str, properties: Mapping[str, str]) -> bytes:
    """SHA-256 (32 bytes) over the canonical manifest of a package with these properties."""
    manifest = {name: properties.get(name, "") for name in SIGNED_PROPERTIES}
    return hashlib.sha256(canonical_json({**manifest, "package_group": group}).encode()).digest()


def objections(
    package: Package, evidence: Evidence, approval: ApprovalSpec, serving_version: int | None, at: datetime
) -> list[Objection]:
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


def _status(package: Package) -> Iterator[Objection]:
    if not is_approved(package):
        yield Objection(f"the package is {package.status}, not Approved")


def _age(package: Package, approval: ApprovalSpec, at: datetime) -> Iterator[Objection]:
    expires = package.created + timedelta(days=approval.expiry_days)
    if at > expires:
        yield Objection(
            f"its evaluation is of {package.created:%Y-%m-%d} and counted until {expires:%Y-%m-%d} "
            f"(approval.expiry_days): train again and approve the new version",
            disqualifies=True,
        )


def _order(package: Package, serving_version: int | None) -> Iterator[Objection]:
    if serving_version is not None and package.version <= serving_version:
        yield Objection(f"version {serving_version} serves already, and this is version {package.version}")


def _integrity(package: Package, evidence: Evidence) -> Iterator[Objection]:
    if not evidence.signed:
        yield Objection("its signature does not belong to its manifest of digests", disqualifies=True)
    for what, found in (("artifact", evidence.artifact_sha256), ("evaluation", evidence.evaluation_sha256)):
        if found is None:
            yield Objection(f"its {what} does not exist any more", disqualifies=True)
        elif found != package.properties.get(f"{what}_sha256"):
            yield Objection(f"its {what} was changed after it was registered", disqualifies=True)


def _four_eyes(package: Package, approval: ApprovalSpec) -> Iterator[Objection]:
    submitter, approver = package.properties.get(SUBMITTED_BY), package.approved_by
    if submitter and approver and submitter == approver:
        yield Objection(f"{approver} submitted it and approved it: another person has to approve")
    elif approval.four_eyes and not approver:
        yield Objection("approval.four_eyes asks who approved it, and the registry does not know")
