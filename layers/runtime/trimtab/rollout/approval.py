"""May this package be deployed? Every reason against it but who approved it, in words."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.ledger import canonical_json
from trimtab.ports import Package
from trimtab.spec.approval import ApprovalSpec

"""Kind of the ledger's entry that holds a run's judgement."""
SIGNATURE = "signature"
SUBMITTED_BY = "submitted-by"
RECORD = "record_sha256"
"""Digest of the record of how a version was made. Versions registered before there were records have none."""
SIGNED_PROPERTIES = ("artifact_sha256", "evaluation_sha256", "code_sha256", "dataset", "run")
SIGNED_WITH_A_RECORD = (RECORD, "image", "image_digest", "spec_sha256", "policy_sha256", SUBMITTED_BY)


@dataclass(frozen=True)
class Evidence:
    """What was read anew before deciding: digests of the bytes that lie in S3, and the signature's check."""

    artifact_sha256: str | None
    """None when the artifact is gone."""
    evaluation_sha256: str | None
    signed: bool
    judgement: Mapping[str, Any] | None = None
    """What the ledger holds of the run's judgement, None when nothing was judged."""
    reported_sha256: str | None = None
    """The artifact that the evaluation says it measured."""
    record_sha256: str | None = None
    """None when the record is gone, or there never was one."""
    broken_seals: tuple[str, ...] = ()
    """What the record vouches for and is not any more what it was."""
    contract_changes: tuple[str, ...] = ()
    """What requests must hold now, and did not when the version was trained, one sentence each."""


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
    """SHA-256 (32 bytes) over the canonical manifest of a package with these properties.

    Whoever takes the record out of a package's properties, or puts one in, changes what would have to be signed.
    """
    names = (*SIGNED_PROPERTIES, *(SIGNED_WITH_A_RECORD if properties.get(RECORD) else ()))
    manifest = {name: properties.get(name, "") for name in names}
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
        *_seals(package, evidence),
        *_judgement(package, evidence),
        *_contract(evidence),
    ]


def is_approved(package: Package) -> bool:
    """True for exactly Approved."""
    return package.status == "Approved"


def not_approved(package: Package) -> str:
    """Why a package in another status is not promoted."""
    return f"the package is {package.status}, not Approved"


def _status(package: Package) -> Iterator[Objection]:
    if not is_approved(package):
        yield Objection(not_approved(package))


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


def _seals(package: Package, evidence: Evidence) -> Iterator[Objection]:
    """The record, and everything that it vouches for."""
    if not package.properties.get(RECORD):
        return
    if evidence.record_sha256 is None:
        yield Objection("the record of how it was made does not exist any more", disqualifies=True)
    elif evidence.record_sha256 != package.properties[RECORD]:
        yield Objection("the record of how it was made was changed after it was registered", disqualifies=True)
    for name in evidence.broken_seals:
        yield Objection(f"its {name} is not the one that it was registered with", disqualifies=True)


def _judgement(package: Package, evidence: Evidence) -> Iterator[Objection]:
    """The gates were passed, by this artifact in this evaluation."""
    judged = evidence.judgement
    if judged is None:
        reason = "no judgement of it is in the ledger: train it, or register it with `trimtab models register`"
        yield Objection(reason, disqualifies=True)
        return
    if judged.get("passed") is not True or judged.get("outcome") != "pass":
        yield Objection(f"its gates ended {judged.get('outcome')}, not pass", disqualifies=True)
    if judged.get("evaluation_sha256") != package.properties.get("evaluation_sha256"):
        yield Objection("its judgement is of another evaluation", disqualifies=True)
    if evidence.evaluation_sha256 and evidence.reported_sha256 != package.properties.get("artifact_sha256"):
        yield Objection("its evaluation measured another artifact", disqualifies=True)


def _contract(evidence: Evidence) -> Iterator[Objection]:
    """What requests hold is what the version was trained on."""
    for change in evidence.contract_changes:
        reason = f"the data contract was changed since it was trained ({change}): train again"
        yield Objection(reason, disqualifies=True)
