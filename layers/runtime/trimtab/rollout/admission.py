"""From an approved package to a promotion that holds the lease, or to the reason why not."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Promotion
from trimtab.ledger.kinds import APPROVAL_CHECKED, CANDIDATE_JUDGED, PROMOTION_SUPERSEDED, PROMOTION_WAITING
from trimtab.ledger.lookup import decided
from trimtab.ports import Lease, Ledger, ModelRegistry, ObjectStore, Package, Signer
from trimtab.rollout.approval import (
    RECORD,
    SIGNATURE,
    Evidence,
    Objection,
    is_approved,
    not_approved,
    objections,
    signed_digest,
)
from trimtab.rollout.ballot import Ballot
from trimtab.rollout.contract_change import contract_changes
from trimtab.rollout.queue import LEASE
from trimtab.rollout.seals import broken_seals, record_path, sha256_of
from trimtab.rollout.votes import Votes
from trimtab.spec import Spec
from trimtab.spec.timetable import longest_s

BESIDES_ROLLOUT_S = 3600
"""Seconds that a promotion may take besides moving traffic: staging, tests, confirmation."""
ACTOR = "check_approval"
CLAIM = "approval:"
"""How the claim on one act of approving begins: whoever has it acts upon the approval, and nobody else."""


@dataclass(frozen=True)
class Admission:
    """Decides on one approval; ``id`` is the execution that asks."""

    id: str
    at: datetime
    spec: Spec
    ledger: Ledger
    objects: ObjectStore
    registry: ModelRegistry
    signer: Signer
    ballot: Ballot
    artifact: Callable[..., str]
    """URI below the model's folder in the artifacts bucket."""

    def decide(self, package_arn: str) -> Promotion:
        """Approved with the lease and its fence, or why not; a Busy one is in the queue.

        Raises ApproverUnknown while CloudTrail does not tell who approved, TrailNotRead while it has not been read.
        """
        package = self.registry.describe(package_arn)
        if not is_approved(package):
            return self._promotion(package, "Refused", not_approved(package))
        votes = self.ballot.count(package)
        if len(votes.counted) < self.spec.approval.approvers:
            outcome = "Pending" if votes.counted else "Refused"
            return self._promotion(package, outcome, self.ballot.reopen(package, votes))
        return self._admit(package, votes)

    def _admit(self, package: Package, votes: Votes) -> Promotion:
        lease = self._lease()
        if lease is None:
            if self._is_acted_upon(votes):
                return self._promotion(package, "Duplicate", f"{self._holder()} acts upon this approval")
            if self.spec.approval.busy == "refuse":
                return self._promotion(package, "Refused", self._refused_for_now())
            self._wait(package)
            self._supersede(package)
            lease = self._lease()  # it may have ended before the queue had us
        if lease is None:
            return self._promotion(package, "Busy", f"{self._holder()} is promoting; this approval waits for its turn")
        claim = self.ledger.claim(f"{CLAIM}{votes.act.id}", self.id, self.at, {"package_arn": package.arn})
        if not claim.first:
            self.ledger.release(LEASE, self.id, lease.fence)
            return self._promotion(package, "Duplicate", f"{claim.holder} has acted upon this approval")
        return self._judge(self.registry.describe(package.arn), votes, lease)

    def _judge(self, package: Package, votes: Votes, lease: Lease) -> Promotion:
        """With the lease, and the package as it is now."""
        found = self._objections(package)
        if skipping := self.ballot.objection_to_skipping(votes):
            found.append(Objection(skipping))
        if found:
            reason = "; ".join(objection.reason for objection in found)
            promotion = self._promotion(package, "Refused", reason, lease.fence)
            return promotion.model_copy(update={"disqualified": any(each.disqualifies for each in found)})
        self.ballot.mark_skipping(package, votes)
        admitted = self._promotion(package, "Approved", f"version {package.version} may be promoted", lease.fence)
        act = votes.act
        told = {"approval": act.id, "approved_by": votes.people, "automatic": self.ballot.is_by_rule(package, votes)}
        return admitted.model_copy(update=told | {"skips": act.skips, "skips_staging": "staging" in act.skips})

    def _lease(self) -> Lease | None:
        return self.ledger.lease(LEASE, self.id, self.at, longest_s(self.spec.rollout) + BESIDES_ROLLOUT_S)

    def _is_acted_upon(self, votes: Votes) -> bool:
        """Whether the promotion that is under way is of the very same act."""
        held = self._held()
        return held is not None and held.approval == votes.act.id

    def _held(self) -> Promotion | None:
        """The promotion that has the lease, once it has been let in."""
        holder = self.ledger.lease_holder(LEASE)
        found = decided(self.ledger, APPROVAL_CHECKED, holder.holder) if holder else None
        return Promotion.model_validate(found) if found else None

    def _refused_for_now(self) -> str:
        return f"{self._holder()} is promoting, and approval.busy says refuse: approve it again when that has ended"

    def _wait(self, package: Package) -> None:
        summary = f"version {package.version} waits until {self._holder()} has ended"
        data = {"package_arn": package.arn, "version": package.version, "summary": summary}
        self.ledger.append(PROMOTION_WAITING, self.id, data, self.at, ACTOR)

    def _supersede(self, package: Package) -> None:
        """Where the spec says so, the older version that is under way is Rejected: its next step ends it."""
        held = self._held()
        if self.spec.approval.busy != "supersede" or held is None or held.version >= package.version:
            return
        if is_approved(self.registry.describe(held.package_arn)):
            reason = f"superseded by version {package.version}"
            self.registry.reject(held.package_arn, reason)
            data = {"package_arn": held.package_arn, "version": held.version, "by": package.arn}
            summary = f"version {held.version} is {reason}"
            self.ledger.append(PROMOTION_SUPERSEDED, held.id, data | {"summary": summary}, self.at, ACTOR)

    def _holder(self) -> str:
        held = self.ledger.lease_holder(LEASE)
        return held.holder if held else "another execution"

    def _objections(self, package: Package) -> list[Objection]:
        champion = self.ledger.state("champion")
        serving = int(champion["version"]) if champion else None
        return objections(package, self._evidence(package), self.spec.approval, serving, self.at)

    def _evidence(self, package: Package) -> Evidence:
        evaluation = self.artifact("runs", package.properties.get("run", ""), "evaluation", "evaluation.json")
        signature = package.properties.get(SIGNATURE, "")
        record = self._record(package)
        found = hashlib.sha256(record).hexdigest() if record is not None else None
        is_whole = record is not None and found == package.properties[RECORD]
        written = json.loads(record or b"{}") if is_whole else {}
        return Evidence(
            artifact_sha256=sha256_of(self.objects, package.artifact_uri),
            evaluation_sha256=sha256_of(self.objects, evaluation),
            signed=bool(signature) and self.signer.verify(signed_digest(package), signature),
            record_sha256=found,
            judgement=decided(self.ledger, CANDIDATE_JUDGED, package.properties.get("run", "")),
            reported_sha256=self._reported(evaluation),
            broken_seals=tuple(broken_seals(self.objects, written)),
            contract_changes=self._contract_changes(written),
        )

    def _contract_changes(self, record: Mapping[str, Any]) -> tuple[str, ...]:
        """Against the spec that is deployed; nothing can be said of a version without a record."""
        if "spec" not in record:
            return ()
        return tuple(contract_changes(record["spec"], json.loads(self.spec.canonical_json())))

    def _reported(self, evaluation: str) -> str | None:
        """Digest of the artifact that an evaluation says it measured; None when it says nothing."""
        try:
            found = json.loads(self.objects.read(evaluation))
        except (FileNotFoundError, ValueError):
            return None
        return str(found["artifact_sha256"]) if isinstance(found, dict) and "artifact_sha256" in found else None

    def _record(self, package: Package) -> bytes | None:
        """The record's bytes; None for a version without one, and when it is gone."""
        if not package.properties.get(RECORD):
            return None
        try:
            return self.objects.read(self.artifact(*record_path(package.properties.get("run", ""))))
        except FileNotFoundError:
            return None

    def _promotion(self, package: Package, outcome: str, reason: str, fence: int = 0) -> Promotion:
        run = package.properties.get("run", "")
        evaluation = self.artifact("runs", run, "evaluation")
        found = {
            "outcome": outcome,
            "reason": reason,
            "package_arn": package.arn,
            "version": package.version,
            "run": run,
            "artifact_uri": package.artifact_uri,
            "image_uri": package.image_uri,
            "evaluation_uri": f"{evaluation}/evaluation.json",
            "golden_uri": f"{evaluation}/golden.jsonl",
            "scores_profile_uri": f"{evaluation}/scores_profile.json",
            "baseline_uri": self.artifact("datasets", package.properties.get("dataset", ""), "baseline.json"),
            "fence": fence,
            "id": self.id,
            "tag": hashlib.sha256(self.id.encode()).hexdigest()[:8],
        }
        return Promotion.model_validate(found)
