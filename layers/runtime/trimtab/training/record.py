"""The record of a version: everything that it takes to make it again, and digests of everything said about it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.contracts import Dataset, Judgement, Settings
from trimtab.ledger import canonical_json
from trimtab.names import ModelNames
from trimtab.ports import Jobs, ObjectInfo, ObjectStore
from trimtab.rollout.seals import seal, sha256_of
from trimtab.spec import Spec

SCHEMA = 1
_OWN = "sagemaker_"
"""What SageMaker's toolkit reads itself, among the hyperparameters of a job."""


@dataclass(frozen=True)
class Recorder:
    """Writes down how the candidate of one run was made."""

    run: str
    job: str
    """Name of the training job, which differs from the run's when a run was resumed."""
    at: datetime
    spec: Spec
    settings: Settings
    objects: ObjectStore
    jobs: Jobs

    def record(
        self, dataset: Dataset, judgement: Judgement, report: Mapping[str, Any], artifact: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The record without seals; ``artifact`` has uri and sha256 of the model archive.

        A later attempt writes the same bytes, so nothing in it is of the moment at which it is written.
        """
        training = self.jobs.training(self.job) or {}
        image = training.get("AlgorithmSpecification", {}).get("TrainingImage", self.settings.image_uri)
        return {
            "schema": SCHEMA,
            "model": self.spec.name,
            "run": self.run,
            "package_group": self.settings.package_group,
            "problem": self.spec.problem,
            "trained_at": training.get("ended", self.at.isoformat()),
            "dataset": self._dataset(dataset),
            "code": self._code(),
            "image": {"uri": image, "digest": self.jobs.image_digest(image)},
            "seed": self.spec.training.seed,
            "hyperparameters": hyperparameters(training.get("HyperParameters", {})),
            "job": self.job,
            "jobs": {"training": training, "evaluation": self._evaluation()},
            "spec": json.loads(self.spec.canonical_json()),
            "spec_sha256": digest_of(json.loads(self.spec.canonical_json())),
            "policy_sha256": judgement.policy_sha256 or digest_of(self.spec.evaluation.model_dump(mode="json")),
            "artifact": dict(artifact),
            "evaluation": {"uri": judgement.evaluation_uri, "metrics": report["metrics"]["candidate"]},
            "gates": [gate.to_json() for gate in judgement.gates],
        }

    def _dataset(self, dataset: Dataset) -> dict[str, Any]:
        """The manifest, and versions and digests of the objects that jobs have read."""
        folder = dataset.manifest_uri.rpartition("/")[0]
        found = self.objects.list(f"{folder}/") if folder else iter(())
        files = [info for each in found if (info := self.objects.head(each.uri))]
        return {
            "digest": dataset.dataset,
            "manifest": dataset.manifest_uri,
            "rows_train": dataset.rows_train,
            "rows_holdout": dataset.rows_holdout,
            "files": [self._file(each) for each in files],
        }

    def _file(self, info: ObjectInfo) -> dict[str, Any]:
        digest = sha256_of(self.objects, info.uri)
        return {"uri": info.uri, "version": info.version, "size": info.size, "sha256": digest}

    def _code(self) -> dict[str, Any]:
        info = self.objects.head(self.settings.code_uri)
        version = info.version if info else ""
        return {
            "uri": self.settings.code_uri,
            "version": version,
            "sha256": sha256_of(self.objects, self.settings.code_uri) or "",
        }

    def _evaluation(self) -> dict[str, Any]:
        name = ModelNames(self.settings.stage, self.spec.name).evaluation_job(self.job)
        return self.jobs.processing(name) or {}

    def seals(self, dataset: Dataset, reports: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """Digests of the dataset's manifest, the baseline, and ``reports`` (address by name), of those there are."""
        uris = {"manifest": dataset.manifest_uri, "baseline": dataset.baseline_uri, **reports}
        found = {name: seal(self.objects, uri) for name, uri in uris.items() if uri}
        return {name: sealed for name, sealed in found.items() if sealed}


def hyperparameters(sent: Mapping[str, str]) -> dict[str, Any]:
    """The author's hyperparameters out of a job's, whose values are JSON texts."""
    return {name: _value(text) for name, text in sorted(sent.items()) if not name.startswith(_OWN)}


def _value(text: str) -> Any:
    """A tuning job's own values are plain text, not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def digest_of(value: Mapping[str, Any]) -> str:
    """Hex SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
