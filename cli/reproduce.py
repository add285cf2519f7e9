"""`trimtab reproduce`: train a version again from its record, and say what is not the same."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import CommandError
from cli.options import JsonOption, StageOption
from cli.stage import Stage
from cli.versions import Recorded, VersionReference, read_json, recorded
from trimtab.training.reproduction import (
    TOLERANCE,
    Again,
    changed_inputs,
    evaluation_request,
    file_digests,
    measured_again,
    training_request,
    unequal_files,
)

NOT_REPRODUCED = 3
"""Exit status when the model that came out is another one."""
_POLL_S = 2.0
_RUNNING = ("InProgress", "Stopping")
ToleranceOption = Annotated[float, typer.Option("--tolerance", min=0, help="Largest difference of a metric.")]


def reproduce(
    version: VersionReference,
    tolerance: ToleranceOption = TOLERANCE,
    stage: StageOption = "dev",
    as_json: JsonOption = False,
) -> None:
    """Train VERSION again from its record and compare: the same bytes, or the same metrics within the tolerance.

    Nothing is registered. Exit status 3 when it is not the same model.
    """
    found = Reproduction(Stage(stage), tolerance, tell=lambda text: print(text, file=sys.stderr)).run(version)
    print(json.dumps(found) if as_json else in_words(found))
    if not found["reproduced"]:
        raise typer.Exit(NOT_REPRODUCED)


@dataclass(frozen=True)
class Reproduction:
    """One training of a version again, in the stage that made it."""

    stage: Stage
    tolerance: float
    tell: Any
    """Called with a sentence when something begins."""

    def run(self, reference: str) -> dict[str, Any]:
        """What came of it. Raises CommandError when the record's inputs are not there any more."""
        found = recorded(self.stage, reference)
        self._check(found)
        runs = f"s3://{self.stage.data['ArtifactsBucket']}/{found.model}/runs"
        again = Again.of(found.record["run"], uuid.uuid4().hex[:8], runs)
        self._train(found, again)
        differing = unequal_files(self._files(found.record["artifact"]["uri"]), self._files(again.artifact_uri))
        metrics = self._measure(found, again) if differing else []
        return {
            "version": found.name,
            "job": again.job,
            "artifact": again.artifact_uri,
            "digests": "different" if differing else "equal",
            "files_that_differ": differing,
            "tolerance": self.tolerance,
            "metrics": [asdict(each) for each in metrics],
            "reproduced": all(each.within for each in metrics),
        }

    def _check(self, found: Recorded) -> None:
        """The record's own files and their versions are still what jobs would read."""
        from trimtab.aws.jobs import SageMakerJobs

        if not found.record["jobs"]["training"]:
            raise CommandError(f"the record of {found.name} does not hold its training job: it cannot be trained again")
        jobs = SageMakerJobs(self.stage.client("sagemaker"), self.stage.client("ecr"))
        image = jobs.image_digest(found.record["image"]["uri"]) if found.record["image"]["digest"] else None
        if changed := changed_inputs(found.record, self.stage.objects, image):
            raise CommandError(f"{found.name} cannot be trained again as it was: {'; '.join(changed)}")

    def _train(self, found: Recorded, again: Again) -> None:
        self.tell(f"training {found.name} again as {again.job}")
        sagemaker = self.stage.client("sagemaker")
        sagemaker.create_training_job(**training_request(found.record, again))
        self._wait(lambda: sagemaker.describe_training_job(TrainingJobName=again.job), "TrainingJobStatus")

    def _measure(self, found: Recorded, again: Again) -> Any:
        """Metrics on the same hold-out, by the evaluation that judged the version."""
        self.tell(f"the bytes differ: measuring {again.job} on the same hold-out")
        sagemaker = self.stage.client("sagemaker")
        sagemaker.create_processing_job(**evaluation_request(found.record, again))
        self._wait(lambda: sagemaker.describe_processing_job(ProcessingJobName=again.evaluation), "ProcessingJobStatus")
        report = read_json(self.stage, f"{again.evaluation_uri}/evaluation.json")
        return measured_again(found.record["evaluation"]["metrics"], report["metrics"]["candidate"], self.tolerance)

    def _wait(self, describe: Any, status: str) -> None:
        """The job has ended well. Raises CommandError with SageMaker's reason otherwise."""
        while (job := describe())[status] in _RUNNING:
            time.sleep(_POLL_S)
        if job[status] != "Completed":
            raise CommandError(f"the job ended {job[status]}: {job.get('FailureReason', 'no reason was given')}")

    def _files(self, uri: str) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as scratch:
            archive = Path(scratch, "model.tar.gz")
            self.stage.objects.download(uri, archive)
            return file_digests(archive)


def in_words(found: Mapping[str, Any]) -> str:
    """The outcome for people."""
    if found["digests"] == "equal":
        return f"{found['version']} is reproduced: every file of the model is the same, byte for byte"
    lines = [f"files that differ: {', '.join(found['files_that_differ'])}"]
    for each in found["metrics"]:
        mark = "within" if each["within"] else "OUTSIDE"
        lines.append(f"  {each['name']}: {each['recorded']} recorded, {each['again']} again: {mark} the tolerance")
    outcome = "is reproduced" if found["reproduced"] else "is NOT reproduced"
    return "\n".join([*lines, f"{found['version']} {outcome} within a tolerance of {found['tolerance']:g}"])
