"""Registering an artifact that was built elsewhere: it is evaluated and judged as any candidate is."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cli.stage import CommandError, Stage
from trimtab.contracts import Judgement
from trimtab.evaluation.gates import judge_by, read_report
from trimtab.ledger.kinds import CANDIDATE_JUDGED
from trimtab.ledger.lookup import decided
from trimtab.ports import Package
from trimtab.reports.evaluation_report import evaluation_html
from trimtab.rollout.candidate import ENVIRONMENT, Candidate, describe
from trimtab.spec import ChampionRule, Spec

PATIENCE_S = 1800
POLL_S = 1.0
KEPT = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "NetworkConfig",
    "RoleArn",
)
"""What the evaluation has in common with that of the version that it is compared with."""


@dataclass(frozen=True)
class External:
    """One artifact on its way into the registry, beside version ``like``, whose data it is judged on."""

    stage: Stage
    model: str
    artifact: Path
    like: Package

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.artifact.read_bytes()).hexdigest()

    @property
    def run(self) -> str:
        """Same artifact, same run: registering it twice gives one version."""
        before = self.like.properties["run"].rsplit("-", 1)[-1]
        return f"{self.stage.names(self.model).prefix}-ext-{before[:8]}-{self.sha256[:8]}"

    @property
    def folder(self) -> str:
        return f"s3://{self.stage.data['ArtifactsBucket']}/{self.model}/runs/{self.run}"

    @property
    def artifact_uri(self) -> str:
        return f"{self.folder}/output/model.tar.gz"

    @property
    def evaluation_uri(self) -> str:
        return f"{self.folder}/evaluation/evaluation.json"

    @cached_property
    def person(self) -> str:
        return str(self.stage.client("sts").get_caller_identity()["Arn"])

    def register(self, registry: Any, signer: Any) -> Package:
        """A pending version. Raises CommandError with the gates that it did not pass."""
        self.stage.objects.upload(self.artifact_uri, self.artifact)
        request = self._request()
        self._evaluate(request)
        judgement = self._judge(self._spec(request))
        if not judgement.passed:
            against = "; ".join(gate.message for gate in judgement.gates if gate.outcome != "pass")
            raise CommandError(f"not registered, the gates ended {judgement.outcome}: {against}")
        package: Package = registry.register(
            self.like.group,
            artifact_uri=self.artifact_uri,
            image_uri=self.like.image_uri,
            evaluation_uri=self.evaluation_uri,
            properties=self._candidate(judgement).properties(signer),
            description=f"built elsewhere by {self.person}; {describe(judgement, self._metrics())}",
            environment=ENVIRONMENT,
            token=self.run,
        )
        return package

    def _request(self) -> dict[str, Any]:
        """The evaluation of version ``like``, asked anew for this artifact, with that version as its champion."""
        names, job = self.stage.names(self.model), self.like.artifact_uri.split("/")[-3]
        found = self.stage.client("sagemaker").describe_processing_job(ProcessingJobName=names.evaluation_job(job))
        request = {key: found[key] for key in KEPT if key in found}
        inputs = {each["InputName"]: each for each in request["ProcessingInputs"]}
        inputs["champion"] = _input_like(inputs["candidate"], "champion", self.like.artifact_uri)
        inputs["candidate"] = _input_like(inputs["candidate"], "candidate", self.artifact_uri)
        output = request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
        output["S3Uri"] = f"{self.folder}/evaluation"
        return {
            **request,
            "ProcessingInputs": list(inputs.values()),
            "ProcessingJobName": names.evaluation_job(self.run),
        }

    def _evaluate(self, request: dict[str, Any]) -> None:
        """evaluation.json lies in the run's folder. Raises CommandError when the job failed or took too long."""
        sagemaker, name = self.stage.client("sagemaker"), request["ProcessingJobName"]
        try:
            sagemaker.create_processing_job(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("ResourceInUse", "ValidationException"):
                raise
            if self.stage.objects.head(self.evaluation_uri) is None:
                raise
        deadline = time.monotonic() + PATIENCE_S
        while (job := sagemaker.describe_processing_job(ProcessingJobName=name))["ProcessingJobStatus"] in (
            "InProgress",
            "Stopping",
        ):
            if time.monotonic() > deadline:
                raise CommandError(f"the evaluation {name} is still running: register it again later")
            time.sleep(POLL_S)
        if job["ProcessingJobStatus"] != "Completed":
            raise CommandError(f"the evaluation {name} ended {job['ProcessingJobStatus']}: {job.get('FailureReason')}")

    def _spec(self, request: dict[str, Any]) -> Spec:
        """The model's spec as deployed with the evaluation's code; a hotfix only has to be as good as what it mends."""
        code = next(each for each in request["ProcessingInputs"] if each["InputName"] == "code")["S3Input"]["S3Uri"]
        with tarfile.open(fileobj=io.BytesIO(self.stage.objects.read(code))) as bundle:
            member = bundle.extractfile("model.json")
            spec = Spec.model_validate(json.loads(member.read() if member else b"{}"))
        rule = ChampionRule(
            rule="non_inferior",
            margin=spec.evaluation.gates.external_margin,
            confidence=spec.evaluation.champion.confidence,
        )
        return spec.model_copy(update={"evaluation": spec.evaluation.model_copy(update={"champion": rule})})

    def _judge(self, spec: Spec) -> Judgement:
        """The judgement, in the ledger under the name of who asked, and its page beside the evaluation."""
        ledger = self.stage.ledger(self.model)
        if found := decided(ledger, CANDIDATE_JUDGED, self.run):
            return Judgement.model_validate(found)
        body = self.stage.objects.read(self.evaluation_uri)
        judgement = judge_by(spec, body, self.evaluation_uri)
        page = evaluation_html(self.model, spec.evaluation.primary, read_report(body), judgement)
        uri = self.evaluation_uri.removesuffix(".json") + ".html"
        self.stage.objects.write(uri, page, "text/html; charset=utf-8")
        judgement = judgement.model_copy(update={"report_uri": uri})
        summary = f"an artifact built elsewhere by {self.person}: {judgement.outcome}"[:500]
        data = judgement.to_json() | {"dataset": self.like.properties["dataset"], "summary": summary}
        ledger.append(CANDIDATE_JUDGED, self.run, data, datetime.now(UTC), self.person)
        return judgement

    def _metrics(self) -> dict[str, Any]:
        return dict(read_report(self.stage.objects.read(self.evaluation_uri))["metrics"]["candidate"])

    def _candidate(self, judgement: Judgement) -> Candidate:
        return Candidate(
            group=self.like.group,
            run=self.run,
            dataset=self.like.properties["dataset"],
            artifact_sha256=self.sha256,
            evaluation_sha256=judgement.evaluation_sha256,
            code_sha256=self.like.properties["code_sha256"],
            submitted_by=self.person,
        )


def _input_like(known: dict[str, Any], name: str, uri: str) -> dict[str, Any]:
    """An input of a processing job that differs from ``known`` in its name and place."""
    source = known["S3Input"] | {"S3Uri": uri, "LocalPath": f"/opt/ml/processing/{name}"}
    return {"InputName": name, "S3Input": source}
