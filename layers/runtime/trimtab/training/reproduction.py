"""Training again from a version's record: what to ask of SageMaker, and how what came of it is compared."""

import hashlib
import math
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trimtab.ports import ObjectStore
from trimtab.rollout.seals import sha256_of

TOLERANCE = 0.001
"""Largest difference of a metric, as a share of the larger of 1 and the metric, where the bytes are not the same."""
_NOT_ASKED = ("arn", "started", "ended")
_LONGEST_NAME = 63
_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Again:
    """Names of the jobs of one reproduction, and where their results go."""

    job: str
    evaluation: str
    runs_uri: str

    @classmethod
    def of(cls, run: str, mark: str, runs_uri: str) -> "Again":
        """``mark`` (8 letters or digits) tells reproductions of one run apart; names fit SageMaker's limit."""
        stem = run[: _LONGEST_NAME - len(f"-again-{mark}-eval")].rstrip("-")
        return cls(f"{stem}-again-{mark}", f"{stem}-again-{mark}-eval", runs_uri)

    @property
    def artifact_uri(self) -> str:
        return f"{self.runs_uri}/{self.job}/output/model.tar.gz"

    @property
    def evaluation_uri(self) -> str:
        return f"{self.runs_uri}/{self.job}/evaluation"


def changed_inputs(record: Mapping[str, Any], objects: ObjectStore, image_digest: str | None) -> list[str]:
    """Why training again would not see what the record says, each in a sentence; empty when it would."""
    return [*_changed_code(record, objects), *_changed_data(record, objects), *_changed_image(record, image_digest)]


def _changed_code(record: Mapping[str, Any], objects: ObjectStore) -> Iterator[str]:
    code = record["code"]
    if sha256_of(objects, code["uri"]) != code["sha256"]:
        yield f"the code bundle {code['uri']} is gone or changed; its version was {code['version'] or 'not told'}"


def _changed_data(record: Mapping[str, Any], objects: ObjectStore) -> Iterator[str]:
    for file in record["dataset"]["files"]:
        info = objects.head(file["uri"])
        if info is None:
            yield f"{file['uri']} is gone; its version was {file['version']}"
        elif info.version != file["version"] and sha256_of(objects, file["uri"]) != file["sha256"]:
            yield f"{file['uri']} was changed: it is version {info.version}, and was {file['version']}"


def _changed_image(record: Mapping[str, Any], digest: str | None) -> Iterator[str]:
    was = record["image"]["digest"]
    if was and digest and was != digest:
        yield f"the image {record['image']['uri']} is {digest}, and was {was}"


def training_request(record: Mapping[str, Any], again: Again) -> dict[str, Any]:
    """The CreateTrainingJob request that trains the same again, under another name."""
    asked = _asked(record["jobs"]["training"])
    asked.pop("CheckpointConfig", None)  # it would go on where the first one ended
    output = asked["OutputDataConfig"] | {"S3OutputPath": again.runs_uri}
    return asked | {"TrainingJobName": again.job, "OutputDataConfig": output}


def evaluation_request(record: Mapping[str, Any], again: Again) -> dict[str, Any]:
    """The CreateProcessingJob request that judges the new model on the same hold-out."""
    asked = _asked(record["jobs"]["evaluation"])
    inputs = [_with_candidate(each, again.artifact_uri) for each in asked["ProcessingInputs"]]
    config = asked["ProcessingOutputConfig"]
    outputs = [each | {"S3Output": each["S3Output"] | {"S3Uri": again.evaluation_uri}} for each in config["Outputs"]]
    return asked | {
        "ProcessingJobName": again.evaluation,
        "ProcessingInputs": inputs,
        "ProcessingOutputConfig": config | {"Outputs": outputs},
    }


def _asked(job: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in _NOT_ASKED}


def _with_candidate(given: Mapping[str, Any], uri: str) -> dict[str, Any]:
    if given["InputName"] != "candidate":
        return dict(given)
    return {**given, "S3Input": given["S3Input"] | {"S3Uri": uri}}


def file_digests(archive: Path) -> dict[str, str]:
    """Hex SHA-256 by name of every file in a tar.gz: its own bytes also hold when it was packed."""
    found: dict[str, str] = {}
    with tarfile.open(archive, "r:gz") as packed:
        for member in packed:
            if source := packed.extractfile(member):
                digest = hashlib.sha256()
                while block := source.read(_BLOCK):
                    digest.update(block)
                found[member.name.removeprefix("./")] = digest.hexdigest()
    return found


def unequal_files(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """Names of the files that are not the same in both, or in one only."""
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


@dataclass(frozen=True)
class Measured:
    """One metric, then and now."""

    name: str
    recorded: float | None
    again: float | None
    within: bool


def measured_again(recorded: Mapping[str, Any], again: Mapping[str, Any], tolerance: float) -> list[Measured]:
    """Every metric that either side has; one that only one side could measure is not within any tolerance."""
    names = [*recorded, *(name for name in again if name not in recorded)]
    return [_measured(name, recorded.get(name), again.get(name), tolerance) for name in names]


def _measured(name: str, recorded: Any, again: Any, tolerance: float) -> Measured:
    numbers = [float(value) for value in (recorded, again) if _is_number(value)]
    if len(numbers) == 2:
        allowed = tolerance * max(1.0, abs(numbers[0]))
        return Measured(name, numbers[0], numbers[1], abs(numbers[0] - numbers[1]) <= allowed)
    return Measured(name, _number(recorded), _number(again), recorded == again)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) else None
