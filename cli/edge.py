"""`trimtab edge`: approved versions as signed bundles for devices."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer

from cli.errors import CommandError
from cli.options import JsonOption, StageOption
from cli.packages import find
from cli.stage import Stage
from cli.versions import VersionReference, parse, read
from trimtab.artifact.edge_bundle import MANIFEST, SIGNATURE, VECTORS, Manifest, digests
from trimtab.artifact.model_files import EDGE_FILE, ONNX_FILE
from trimtab.artifact.untar import extract
from trimtab.ports import Package
from trimtab.rollout.approval import SIGNATURE as PACKAGE_SIGNATURE
from trimtab.rollout.approval import is_approved, signed_digest

app = typer.Typer(no_args_is_help=True)
TOLERANCES = {"int8": 1e-4, "full": 1e-6}
"""By precision: single precision may be added up in another order on another processor."""
LEFT_OUT = ("code/lib/", "native_scores.npy", "native_ids.npy", "serving.json", EDGE_FILE)
"""What of an artifact a device has no use for; onnxruntime is installed there for its own processor."""
NOT_VERIFIED = 4
"""Exit status of `trimtab edge verify` for a folder that must not be served."""
OutOption = Annotated[Path, typer.Option("--out", help="Folder to make.")]
KeyOption = Annotated[Path, typer.Option("--key", help="Public key, PEM, as `trimtab edge key` prints it.")]


@app.command("bundle")
def bundle(version: VersionReference, out: OutOption, stage: StageOption = "dev") -> None:
    """Write the approved VERSION as a signed folder for devices."""
    where = Stage(stage)
    manifest = write_bundle(open_version(where, version), out, bundle_signer(where))
    print(f"{out}: {version} ({manifest.precision}), {len(manifest.files)} files, {manifest.vectors} vectors, signed")


@app.command("key")
def key(stage: StageOption = "dev") -> None:
    """Print the public key that bundles of this stage are verified with, as PEM."""
    where = Stage(stage)
    found = where.client("kms").get_public_key(KeyId=where.data["SigningKey"])
    print(pem(found["PublicKey"]), end="")


@app.command("verify")
def verify(
    folder: Annotated[Path, typer.Argument(help="A bundle.")], key: KeyOption, as_json: JsonOption = False
) -> None:
    """Check signature, digests and answers of a bundle, offline. Exit status 4 when it must not be served."""
    from trimtab.authoring.edge import verify as verified
    from trimtab.errors import DataError

    try:
        found = verified(folder, key.read_bytes())
    except (DataError, OSError) as error:
        print(f"must not be served: {error}", file=sys.stderr)
        raise typer.Exit(NOT_VERIFIED) from error
    made = found.manifest
    said = {"model": made.model, "version": made.version, "precision": made.precision, "vectors": made.vectors}
    if as_json:
        print(json.dumps(said | {"max_difference": found.max_difference}))
        return
    print(
        f"{made.model}@{made.version} ({made.precision}): signed, whole, and {made.vectors} vectors are answered",
        end="",
    )
    print(f" to within {found.max_difference:.3g}")


class MessageSigner(Protocol):
    """Signs bytes."""

    def sign(self, message: bytes) -> str: ...


@dataclass(frozen=True)
class Version:
    """An approved version with what its bundle is made of."""

    model: str
    package: Package
    artifact: Callable[[Path], None]
    """Downloads the archive."""
    report: bytes
    """evaluation.json."""
    vectors: bytes


def open_version(stage: Stage, reference: str) -> Version:
    """The version, approved and signed, with objects that are the signed ones. Raises CommandError."""
    model, number = parse(reference)
    package = find(stage, model, number)
    if not is_approved(package):
        raise CommandError(f"{reference} is {package.status}: devices get approved versions only")
    if not signer(stage).verify(signed_digest(package), package.properties.get(PACKAGE_SIGNATURE, "")):
        raise CommandError(
            f"the signature of {reference} does not belong to its manifest of digests: do not rely on it"
        )
    evaluation = f"s3://{stage.data['ArtifactsBucket']}/{model}/runs/{package.properties['run']}/evaluation"
    report = read(stage, f"{evaluation}/evaluation.json")
    if hashlib.sha256(report).hexdigest() != package.properties.get("evaluation_sha256"):
        raise CommandError(f"the evaluation of {reference} was changed after it was registered")
    vectors = read(stage, f"{evaluation}/edge_vectors.jsonl") if _edge(report) else b""
    return Version(model, package, lambda path: stage.objects.download(package.artifact_uri, path), report, vectors)


def write_bundle(version: Version, out: Path, signer: MessageSigner) -> Manifest:
    """``out`` is the signed bundle. Raises CommandError when it exists or the version has no form for devices."""
    edge, name = _edge(version.report), f"{version.model}@{version.package.version}"
    if not edge:
        raise CommandError(f"{name} was evaluated without a form for devices: add edge: to its model.yaml, train again")
    if hashlib.sha256(version.vectors).hexdigest() != edge["vectors_sha256"]:
        raise CommandError(f"the vectors of {name} are not those of its evaluation")
    if out.exists() and any(out.iterdir()):
        raise CommandError(f"{out} is not empty")
    out.mkdir(parents=True, exist_ok=True)
    _unpack(version, edge["precision"], out)
    (out / VECTORS).write_bytes(version.vectors)
    manifest = _manifest(version, edge["precision"], out)
    body = manifest.to_bytes()
    (out / MANIFEST).write_bytes(body)
    (out / SIGNATURE).write_text(signer.sign(hashlib.sha256(body).digest()) + "\n", encoding="ascii")
    return manifest


def _edge(report: bytes) -> dict[str, Any]:
    return dict(json.loads(report).get("edge") or {})


def _unpack(version: Version, precision: str, out: Path) -> None:
    """Model, contract, features and code of the artifact that was approved, without what devices do not need."""
    with tempfile.TemporaryDirectory() as scratch:
        archive, folder = Path(scratch, "model.tar.gz"), Path(scratch, "model")
        version.artifact(archive)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != version.package.properties.get("artifact_sha256"):
            raise CommandError("the artifact was changed after it was registered: do not rely on it")
        with tarfile.open(archive) as packed:
            extract(packed, folder)
        if precision != "full":
            (folder / EDGE_FILE).replace(folder / ONNX_FILE)
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            name = path.relative_to(folder).as_posix()
            if not name.startswith(LEFT_OUT):
                (out / name).parent.mkdir(parents=True, exist_ok=True)
                (out / name).write_bytes(path.read_bytes())


def _manifest(version: Version, precision: str, out: Path) -> Manifest:
    package = version.package
    return Manifest(
        model=version.model,
        version=package.version,
        run=package.properties["run"],
        package_arn=package.arn,
        precision=precision,
        artifact_sha256=package.properties["artifact_sha256"],
        evaluation_sha256=package.properties["evaluation_sha256"],
        tolerance=TOLERANCES[precision],
        vectors=len(version.vectors.splitlines()),
        files=digests(out),
    )


def signer(stage: Stage) -> Any:
    """KMS with the stage's key, which also signs what is registered."""
    from trimtab.aws.signing import KmsSigner  # boto3, which `verify` does without

    return KmsSigner(stage.client("kms"), stage.data["SigningKey"])


@dataclass(frozen=True)
class BundleSigner:
    """Signs a message of up to 4,096 bytes with one key of KMS."""

    kms: Any
    key_id: str

    def sign(self, message: bytes) -> str:
        """DER in base64."""
        found = self.kms.sign(KeyId=self.key_id, Message=message, MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
        return base64.b64encode(found["Signature"]).decode()


def bundle_signer(stage: Stage) -> BundleSigner:
    """With the stage's key."""
    return BundleSigner(stage.client("kms"), stage.data["SigningKey"])


def pem(der: bytes) -> str:
    """A public key as text."""
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"
