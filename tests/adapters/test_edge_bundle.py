"""`trimtab edge` on S3 and KMS (moto): what is approved becomes a bundle that the account's public key verifies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer

from cli import edge, packages
from cli.errors import CommandError
from cli.stage import Stage
from tests.fakes import MemoryRegistry
from tests.unit.cli.test_edge import version as version  # the fixture: a version with a form in eight bits
from trimtab.aws.signing import KmsSigner
from trimtab.rollout.approval import SIGNATURE, manifest_digest

BUCKET, GROUP = "artifacts", "trimtab-dev-tiny"


@pytest.fixture
def stage(aws: None, version: edge.Version, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Version 1 of tiny, registered and signed; a person has approved it."""
    key = boto3.client("kms").create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    made, s3 = Stage("dev", boto3.Session()), boto3.client("s3")
    made.__dict__["data"] = {"ArtifactsBucket": BUCKET, "SigningKey": key}
    s3.create_bucket(Bucket=BUCKET)
    version.artifact(tmp_path / "model.tar.gz")
    bodies = {
        "output/model.tar.gz": (tmp_path / "model.tar.gz").read_bytes(),
        "evaluation/evaluation.json": version.report,
        "evaluation/edge_vectors.jsonl": version.vectors,
    }
    for name, body in bodies.items():
        s3.put_object(Bucket=BUCKET, Key=f"tiny/runs/run-1/{name}", Body=body)
    properties = dict(version.package.properties)
    properties[SIGNATURE] = KmsSigner(boto3.client("kms"), key).sign(manifest_digest(GROUP, properties))
    registry = MemoryRegistry()
    registry.register(
        GROUP,
        artifact_uri=f"s3://{BUCKET}/tiny/runs/run-1/output/model.tar.gz",
        image_uri="image",
        evaluation_uri="s3://e",
        properties=properties,
        description="",
        environment={},
        token="run-1",
    )
    set_package(registry, status="Approved")
    monkeypatch.setattr(packages, "_registry", lambda stage: registry)
    made.__dict__["registry"] = registry
    return made


def set_package(registry: MemoryRegistry, **changes: Any) -> None:
    (package,) = registry.packages(GROUP)
    registry.put(replace(package, **changes))


@pytest.fixture
def bundled(stage: Stage, tmp_path: Path) -> Path:
    edge.write_bundle(edge.open_version(stage, "tiny@1"), tmp_path / "bundle", edge.bundle_signer(stage))
    return tmp_path / "bundle"


def test_the_public_key_of_kms_verifies_what_kms_has_signed(
    stage: Stage, bundled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(edge, "Stage", lambda name: stage)
    edge.key()
    (tmp_path / "key.pem").write_text(capsys.readouterr().out)
    edge.verify(bundled, tmp_path / "key.pem", as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["model"], said["version"], said["precision"], said["max_difference"]) == ("tiny", 1, "int8", 0)
    (bundled / "model.onnx").write_bytes(b"another")
    with pytest.raises(typer.Exit) as ended:
        edge.verify(bundled, tmp_path / "key.pem")
    assert ended.value.exit_code == edge.NOT_VERIFIED
    assert "model.onnx has other bytes" in capsys.readouterr().err


def test_devices_get_approved_versions_only(stage: Stage) -> None:
    set_package(stage.__dict__["registry"], status="PendingManualApproval")
    with pytest.raises(CommandError, match="PendingManualApproval"):
        edge.open_version(stage, "tiny@1")


@pytest.mark.parametrize(("name", "message"), [("artifact_sha256", "signature"), (SIGNATURE, "signature")])
def test_a_package_whose_signature_does_not_fit_becomes_no_bundle(stage: Stage, name: str, message: str) -> None:
    (package,) = stage.__dict__["registry"].packages(GROUP)
    set_package(stage.__dict__["registry"], properties={**package.properties, name: "AAAA"})
    with pytest.raises(CommandError, match=message):
        edge.open_version(stage, "tiny@1")


def test_an_evaluation_that_was_changed_becomes_no_bundle(stage: Stage) -> None:
    boto3.client("s3").put_object(Bucket=BUCKET, Key="tiny/runs/run-1/evaluation/evaluation.json", Body=b"{}")
    with pytest.raises(CommandError, match="changed after it was registered"):
        edge.open_version(stage, "tiny@1")
