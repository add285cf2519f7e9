"""A candidate's way into the registry: read again what was judged, write down how it was made, sign, register once."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Dataset, Judgement, Settings
from trimtab.errors import DataError, ServiceRefused, SignatureMismatch
from trimtab.evaluation.gates import read_report
from trimtab.ledger.kinds import CANDIDATE_REGISTERED
from trimtab.ledger.lineage_graph import Lineage
from trimtab.ledger.lookup import decided
from trimtab.names import RECORDS
from trimtab.ports import Attachments, Jobs, Ledger, ModelCards, ModelRegistry, ObjectStore, Package, Signer
from trimtab.reports.model_card import Facts, card_html, card_json
from trimtab.rollout.approval import RECORD
from trimtab.rollout.candidate import ENVIRONMENT, Candidate, describe
from trimtab.rollout.seals import sha256_of
from trimtab.spec import Spec
from trimtab.training.lineage import graph_of
from trimtab.training.record import Recorder

ACTOR = "register_candidate"
_JSON, _HTML = "application/json", "text/html; charset=utf-8"


@dataclass(frozen=True)
class Registration:
    """Registers the candidate of one run."""

    run: str
    artifact_uri: str
    """Where SageMaker has put the training job's model, ``…/<job>/output/model.tar.gz``."""
    at: datetime
    spec: Spec
    settings: Settings
    artifact: Callable[..., str]
    """URI below the model's folder in the artifacts bucket."""
    ledger: Ledger
    objects: ObjectStore
    registry: ModelRegistry
    signer: Signer
    jobs: Jobs
    cards: ModelCards
    lineage: Lineage

    def earlier(self) -> dict[str, Any] | None:
        """What a first attempt has registered."""
        found = decided(self.ledger, CANDIDATE_REGISTERED, self.run)
        return {"package_arn": found["package_arn"], "version": found["version"]} if found else None

    def register(self, dataset: Dataset, judgement: Judgement, requested_by: str) -> Package:
        """A version in PendingManualApproval with its record, reports and card, all in the ledger.

        Raises DataError for a candidate that did not pass, SignatureMismatch when the artifact is not the one judged.
        """
        if not judgement.passed:
            raise DataError(f"run {self.run} did not pass its gates ({judgement.outcome}): it is not registered")
        body = self.objects.read(judgement.evaluation_uri)
        report = read_report(body)
        record = self._record(dataset, judgement, report)
        written = self._write_reports(record, report, judgement)
        record["sealed"] = self._recorder().seals(dataset, written)
        candidate = self._candidate(record, hashlib.sha256(body).hexdigest(), requested_by, self._write(record))
        package = self.registry.register(
            self.settings.package_group,
            artifact_uri=self.artifact_uri,
            image_uri=record["image"]["uri"],
            evaluation_uri=judgement.evaluation_uri,
            properties=candidate.properties(self.signer),
            description=describe(judgement, report["metrics"]["candidate"]),
            environment=ENVIRONMENT,
            token=self.run,
            attachments=Attachments(
                bias_uri=written.get("bias", ""),
                explainability_uri=written.get("explainability", ""),
                baseline_uri=dataset.baseline_uri,
                instance_types=(self.spec.rollout.instance_type,),
            ),
        )
        self._remember(package, dataset, report["metrics"]["candidate"], self._tell(record, package))
        return package

    def _recorder(self) -> Recorder:
        job = self.artifact_uri.split("/")[-3]
        return Recorder(self.run, job, self.at, self.spec, self.settings, self.objects, self.jobs)

    def _record(self, dataset: Dataset, judgement: Judgement, report: Mapping[str, Any]) -> dict[str, Any]:
        artifact = {"uri": self.artifact_uri, "sha256": self._judged_artifact(report)}
        return self._recorder().record(dataset, judgement, report, artifact)

    def _judged_artifact(self, report: Mapping[str, Any]) -> str:
        """Digest of the artifact as it lies there now, which must be the one that was evaluated."""
        digest = sha256_of(self.objects, self.artifact_uri)
        if digest is None or digest != report["artifact_sha256"]:
            raise SignatureMismatch(f"{self.artifact_uri} is not the artifact that was evaluated: train again")
        return digest

    def _write_reports(
        self, record: Mapping[str, Any], report: Mapping[str, Any], judgement: Judgement
    ) -> dict[str, str]:
        """Addresses by name of the reports that belong to the version; what was not measured has none."""
        facts = Facts(self.spec, record, report, judgement.gates)
        bodies = {
            "card": ("model_card.json", card_json(facts), _JSON),
            "page": ("model_card.html", card_html(facts), _HTML),
        }
        explained = {name: report[name] for name in ("importance", "explain") if report.get(name)}
        for name, measured in (("bias", report.get("bias")), ("explainability", explained)):
            if measured:
                said = {"schema": 1, "run": self.run, name: measured}
                bodies[name] = (f"{name}.json", json.dumps(said, allow_nan=False).encode(), _JSON)
        for file, body, kind in bodies.values():
            self.objects.write(self.artifact(RECORDS, self.run, file), body, kind)
        return {name: self.artifact(RECORDS, self.run, file) for name, (file, _, _) in bodies.items()}

    def _write(self, record: Mapping[str, Any]) -> str:
        """Digest of the record, which lies where an approval looks for it."""
        body = json.dumps(record, indent=1, allow_nan=False).encode()
        self.objects.write(self.artifact(RECORDS, self.run, "record.json"), body, _JSON)
        return hashlib.sha256(body).hexdigest()

    def _candidate(self, record: Mapping[str, Any], evaluation: str, requested_by: str, sealed: str) -> Candidate:
        return Candidate(
            group=self.settings.package_group,
            run=self.run,
            dataset=record["dataset"]["digest"],
            artifact_sha256=record["artifact"]["sha256"],
            evaluation_sha256=evaluation,
            code_sha256=record["code"]["sha256"],
            submitted_by=requested_by or f"training:{self.run}",
            recorded={
                RECORD: sealed,
                "image": record["image"]["uri"],
                "image_digest": record["image"]["digest"] or "",
                "spec_sha256": record["spec_sha256"],
                "policy_sha256": record["policy_sha256"],
            },
        )

    def _tell(self, record: Mapping[str, Any], package: Package) -> dict[str, Any]:
        """SageMaker's own views of the record. The version is registered without them too: a refusal is noted."""
        card = record["sealed"]["card"]["uri"]
        tags = {"trimtab:model": self.spec.name, "trimtab:version": str(package.version)}
        content, key = self.objects.read(card).decode(), self.settings.artifacts_key_id
        return {
            "model_card": _noted(lambda: self.cards.create(self.run, content, key, tags)),
            "lineage": _noted(lambda: self.lineage.record(*graph_of(record, package))),
        }

    def _remember(
        self, package: Package, dataset: Dataset, metrics: Mapping[str, Any], told: Mapping[str, Any]
    ) -> None:
        data = {
            "package_arn": package.arn,
            "version": package.version,
            "artifact_uri": package.artifact_uri,
            "dataset": dataset.dataset,
            "metrics": metrics,
            "properties": dict(package.properties),
            "record": self.artifact(RECORDS, self.run, "record.json"),
            **told,
            "summary": f"version {package.version} is registered and waits for approval",
        }
        self.ledger.append(CANDIDATE_REGISTERED, self.run, data, self.at, ACTOR)


def _noted(act: Callable[[], Any]) -> Any:
    """What ``act`` gives, or the reason why a service would not."""
    try:
        return act()
    except ServiceRefused as refused:
        return {"error": str(refused)[:500]}
