"""What is asked of SageMaker to train a version again, and how the outcome is judged."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import MemoryObjects
from trimtab.training.reproduction import (
    Again,
    changed_inputs,
    evaluation_request,
    file_digests,
    measured_again,
    training_request,
    unequal_files,
)

RUN = "trimtab-dev-" + "a" * 18 + "-20260101120000-22222222"


def record(objects: MemoryObjects) -> dict[str, Any]:
    """A record whose code and data lie where it says."""
    from trimtab.rollout.seals import sha256_of

    objects.write("s3://assets/code", b"code")
    objects.write("s3://a/datasets/d/train/part.parquet", b"rows")
    info = objects.head("s3://a/datasets/d/train/part.parquet")
    assert info is not None
    return {
        "code": {"uri": "s3://assets/code", "version": "v1", "sha256": sha256_of(objects, "s3://assets/code")},
        "dataset": {"files": [{"uri": info.uri, "version": info.version, "sha256": sha256_of(objects, info.uri)}]},
        "image": {"uri": "image", "digest": "sha256:1"},
        "jobs": {
            "training": {
                "HyperParameters": {"max_depth": "6"},
                "OutputDataConfig": {"S3OutputPath": "s3://a/old", "KmsKeyId": "key"},
                "CheckpointConfig": {"S3Uri": "s3://a/checkpoints"},
                "arn": "arn",
                "ended": "2026-01-01",
            },
            "evaluation": {
                "ProcessingInputs": [
                    {"InputName": "candidate", "S3Input": {"S3Uri": "s3://a/old/model.tar.gz", "LocalPath": "/opt"}},
                    {"InputName": "holdout", "S3Input": {"S3Uri": "s3://a/datasets/d/holdout"}},
                ],
                "ProcessingOutputConfig": {
                    "Outputs": [{"OutputName": "evaluation", "S3Output": {"S3Uri": "s3://a/o"}}]
                },
                "arn": "arn",
            },
        },
    }


def test_unchanged_inputs_are_found_so() -> None:
    objects = MemoryObjects()
    assert changed_inputs(record(objects), objects, "sha256:1") == []


def test_the_same_bytes_written_again_are_no_change() -> None:
    objects = MemoryObjects()
    said = record(objects)
    objects.write("s3://a/datasets/d/train/part.parquet", b"rows")
    assert changed_inputs(said, objects, "sha256:1") == []


@pytest.mark.parametrize(
    ("uri", "named"), [("s3://assets/code", "code bundle"), ("s3://a/datasets/d/train/part.parquet", "was changed")]
)
def test_what_was_changed_or_lost_is_named(uri: str, named: str) -> None:
    objects = MemoryObjects()
    said = record(objects)
    objects.write(uri, b"other")
    assert named in " ".join(changed_inputs(said, objects, "sha256:1"))
    objects.delete(uri)
    (reason,) = changed_inputs(said, objects, "sha256:1")
    assert uri in reason
    assert "gone" in reason


def test_another_image_behind_the_tag_is_named() -> None:
    objects = MemoryObjects()
    assert "sha256:2" in changed_inputs(record(objects), objects, "sha256:2")[0]
    assert changed_inputs(record(objects), objects, None) == [], "a registry that tells nothing shows no change"


def test_the_same_is_trained_under_another_name_and_from_the_start() -> None:
    again = Again.of(RUN, "0a1b2c3d", "s3://a/runs")
    asked = training_request(record(MemoryObjects()), again)
    assert asked == {
        "TrainingJobName": again.job,
        "HyperParameters": {"max_depth": "6"},
        "OutputDataConfig": {"S3OutputPath": "s3://a/runs", "KmsKeyId": "key"},
    }
    assert len(again.job) <= len(again.evaluation) <= 63
    assert again.job.startswith("trimtab-dev-" + "a" * 18), "a role may run the model's own jobs only"


def test_the_new_model_is_judged_on_the_same_holdout() -> None:
    again = Again.of(RUN, "0a1b2c3d", "s3://a/runs")
    asked = evaluation_request(record(MemoryObjects()), again)
    inputs = {each["InputName"]: each["S3Input"]["S3Uri"] for each in asked["ProcessingInputs"]}
    assert inputs == {"candidate": again.artifact_uri, "holdout": "s3://a/datasets/d/holdout"}
    (output,) = asked["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == again.evaluation_uri


def packed(path: Path, mtime: int, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, body in files.items():
            member = tarfile.TarInfo(f"./{name}")
            member.size, member.mtime = len(body), mtime
            archive.addfile(member, io.BytesIO(body))
    return path


def test_archives_are_compared_by_their_files_not_by_when_they_were_packed(tmp_path: Path) -> None:
    first = file_digests(packed(tmp_path / "a.tar.gz", 1, model=b"m", contract=b"c"))
    second = file_digests(packed(tmp_path / "b.tar.gz", 2, model=b"m", contract=b"c"))
    third = file_digests(packed(tmp_path / "c.tar.gz", 1, model=b"other", extra=b"e"))
    assert unequal_files(first, second) == []
    assert unequal_files(first, third) == ["contract", "extra", "model"]


def test_metrics_are_held_to_the_tolerance() -> None:
    found = measured_again(
        {"auc": 0.8, "rmse": 200.0, "mape": None}, {"auc": 0.8005, "rmse": 200.3, "mape": None}, 0.001
    )
    assert [(each.name, each.within) for each in found] == [("auc", True), ("rmse", False), ("mape", True)]


def test_a_metric_that_one_side_could_not_measure_is_never_within_the_tolerance() -> None:
    assert not measured_again({"auc": 0.8}, {"auc": None}, 1.0)[0].within
    assert not measured_again({"auc": 0.8}, {}, 1.0)[0].within
    assert not measured_again({}, {"auc": 0.8}, 1.0)[0].within
