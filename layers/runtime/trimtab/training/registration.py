"""A candidate's way into the registry: read again what was judged, sign its digests, register it once."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Dataset, Judgement, Settings
from trimtab.errors import DataError, SignatureMismatch
from trimtab.evaluation.gates import read_report
from trimtab.ledger.lookup import decided
from trimtab.ports import Ledger, ModelRegistry, ObjectStore, Package, Signer
from trimtab.rollout.admission import sha256_of
from trimtab.rollout.candidate import ENVIRONMENT, Candidate, describe

REGISTERED = "candidate.registered"
ACTOR = "register_candidate"


@dataclass(frozen=True)
class Registration:
    """Registers the candidate of one run."""

    run: str
    at: datetime
    settings: Settings
    runs_uri: str
    ledger: Ledger
    objects: ObjectStore
    registry: ModelRegistry
    signer: Signer

    @property
    def artifact_uri(self) -> str:
        """Where SageMaker puts a training job's model."""
        return f"{self.runs_uri}/{self.run}/output/model.tar.gz"

    def earlier(self) -> dict[str, Any] | None:
        """What a first attempt has registered."""
        found = decided(self.ledger, REGISTERED, self.run)
        return {"package_arn": found["package_arn"], "version": found["version"]} if found else None

    def register(self, dataset: Dataset, judgement: Judgement, requested_by: str) -> Package:
        """A version in PendingManualApproval, recorded in the ledger.

        Raises DataError for a candidate that did not pass, SignatureMismatch when the artifact is not the one judged.
        """
        if not judgement.passed:
            raise DataError(f"run {self.run} did not pass its gates ({judgement.outcome}): it is not registered")
        body = self.objects.read(judgement.evaluation_uri)
        report = read_report(body)
        properties = self._candidate(dataset, body, report, requested_by).properties(self.signer)
        metrics = report["metrics"]["candidate"]
        package = self.registry.register(
            self.settings.package_group,
            artifact_uri=self.artifact_uri,
            image_uri=self.settings.image_uri,
            evaluation_uri=judgement.evaluation_uri,
            properties=properties,
            description=describe(judgement, metrics),
            environment=ENVIRONMENT,
            token=self.run,
        )
        self._record(package, dataset, metrics)
        return package

    def _candidate(self, dataset: Dataset, body: bytes, report: dict[str, Any], requested_by: str) -> Candidate:
        return Candidate(
            group=self.settings.package_group,
            run=self.run,
            dataset=dataset.dataset,
            artifact_sha256=self._judged_artifact(report),
            evaluation_sha256=hashlib.sha256(body).hexdigest(),
            code_sha256=sha256_of(self.objects, self.settings.code_uri) or "",
            submitted_by=requested_by or f"training:{self.run}",
        )

    def _judged_artifact(self, report: dict[str, Any]) -> str:
        """Digest of the artifact as it lies there now, which must be the one that was evaluated."""
        digest = sha256_of(self.objects, self.artifact_uri)
        if digest is None or digest != report["artifact_sha256"]:
            raise SignatureMismatch(f"{self.artifact_uri} is not the artifact that was evaluated: train again")
        return digest

    def _record(self, package: Package, dataset: Dataset, metrics: dict[str, Any]) -> None:
        data = {
            "package_arn": package.arn,
            "version": package.version,
            "artifact_uri": package.artifact_uri,
            "dataset": dataset.dataset,
            "metrics": metrics,
            "properties": dict(package.properties),
            "summary": f"version {package.version} is registered and waits for approval",
        }
        self.ledger.append(REGISTERED, self.run, data, self.at, ACTOR)
