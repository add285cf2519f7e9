"""From an approved package to a promotion that holds the lease, or to the reason why not."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from trimtab.contracts import Promotion
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger, ModelRegistry, ObjectStore, Package, Signer
from trimtab.rollout.approval import JUDGED, RECORD, SIGNATURE, Evidence, Objection, objections, signed_digest
from trimtab.rollout.guardrails import timeout_s
from trimtab.rollout.queue import LEASE, WAITING
from trimtab.rollout.seals import broken_seals, record_path, sha256_of
from trimtab.spec import Spec

BESIDES_ROLLOUT_S = 3600
"""Seconds that a promotion may take besides moving traffic: staging, tests, confirmation."""
ACTOR = "check_approval"


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
    artifact: Callable[..., str]
    """URI below the model's folder in the artifacts bucket."""

    def decide(self, package_arn: str) -> Promotion:
        """Approved with the lease and its fence, Refused with every objection, or Busy and put into the queue."""
        package = self.registry.describe(package_arn)
        ttl_s = timeout_s(self.spec.rollout) + BESIDES_ROLLOUT_S
        lease = self.ledger.lease(LEASE, self.id, self.at, ttl_s)
        if lease is None:
            self._wait(package)
            lease = self.ledger.lease(LEASE, self.id, self.at, ttl_s)  # it may have ended before the queue had us
        if lease is None:
            return self._promotion(package, "Busy", f"{self._holder()} is promoting; this approval waits for its turn")
        found = self._objections(package)
        if found:
            reason = "; ".join(objection.reason for objection in found)
            promotion = self._promotion(package, "Refused", reason, lease.fence)
            return promotion.model_copy(update={"disqualified": any(each.disqualifies for each in found)})
        return self._promotion(package, "Approved", f"version {package.version} may be promoted", lease.fence)

    def _wait(self, package: Package) -> None:
        summary = f"version {package.version} waits until {self._holder()} has ended"
        data = {"package_arn": package.arn, "version": package.version, "summary": summary}
        self.ledger.append(WAITING, self.id, data, self.at, ACTOR)

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
        return Evidence(
            artifact_sha256=sha256_of(self.objects, package.artifact_uri),
            evaluation_sha256=sha256_of(self.objects, evaluation),
            signed=bool(signature) and self.signer.verify(signed_digest(package), signature),
            record_sha256=found,
            judgement=decided(self.ledger, JUDGED, package.properties.get("run", "")),
            reported_sha256=self._reported(evaluation),
            broken_seals=tuple(broken_seals(self.objects, json.loads(record or b"{}"))) if is_whole else (),
        )

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
