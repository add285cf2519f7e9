"""Bundles for devices: made of what was approved, verified offline, refused when anything differs."""

import base64
import hashlib
import json
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sklearn.ensemble import HistGradientBoostingClassifier

from cli.edge import Version, pem, write_bundle
from cli.errors import CommandError
from tests.fixtures import tiny
from trimtab.artifact.edge_bundle import BundleRefused, check_bundle
from trimtab.artifact.model_files import EDGE_FILE, ONNX_FILE
from trimtab.authoring.contract import Contract
from trimtab.authoring.edge import server, verify
from trimtab.authoring.export.int8 import to_int8
from trimtab.authoring.export.onnx_file import to_onnx
from trimtab.authoring.inference import model_fn
from trimtab.ports import Package

NUMBERS = ("age", "heat", "load")


@dataclass(frozen=True)
class KeySigner:
    """Signs as KMS does, with a key of its own."""

    private: ec.EllipticCurvePrivateKey

    def sign(self, message: bytes) -> str:
        return base64.b64encode(self.private.sign(message, ec.ECDSA(SHA256()))).decode()

    @property
    def public(self) -> bytes:
        return pem(self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).encode()


SIGNER = KeySigner(ec.generate_private_key(ec.SECP256R1()))


def sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """A version with a form in eight bits, packed as its training job packs it."""
    folder = tmp_path_factory.mktemp("artifact") / "model"
    (folder / "code" / "lib" / "onnxruntime").mkdir(parents=True)
    (folder / "code" / "lib" / "onnxruntime" / "big.so").write_text("of another processor")
    (folder / "code" / "inference.py").write_text("raise RuntimeError('a device does not run this')\n")
    rows = tiny.month(1).to_pandas()
    model = HistGradientBoostingClassifier(max_iter=20).fit(rows[list(NUMBERS)], rows["failed"])
    full = to_onnx(model, rows[list(NUMBERS)].astype(float))
    (folder / ONNX_FILE).write_bytes(full)
    (folder / EDGE_FILE).write_bytes(to_int8(full))
    contract = Contract.of_spec(json.loads(tiny.SPEC.canonical_json()))
    contract = replace(contract, features=tuple(each for each in contract.features if each.name in NUMBERS))
    replace(contract, classes=(0, 1)).write(folder)
    archive = folder.parent / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, ".")
    vectors = answered(folder, folder.parent / "small")
    report = json.dumps({"edge": {"precision": "int8", "vectors_sha256": sha(vectors)}}).encode()
    properties = {"run": "run-1", "artifact_sha256": sha(archive.read_bytes()), "evaluation_sha256": sha(report)}
    package = Package("arn:1", "g", 3, "Approved", "s3://a", "image", properties, datetime(2026, 1, 1, tzinfo=UTC))
    return Version("tiny", package, lambda path: bytes(path.write_bytes(archive.read_bytes())), report, vectors)


def answered(folder: Path, small: Path) -> bytes:
    """Requests with the answers of the form in eight bits."""
    small.mkdir()
    (small / ONNX_FILE).write_bytes((folder / EDGE_FILE).read_bytes())
    (small / "contract.json").write_bytes((folder / "contract.json").read_bytes())
    requests = [{"id": n, "age": n % 40, "heat": None if n % 7 == 0 else float(n), "load": n * 1.5} for n in range(60)]
    said = model_fn(str(small)).answer("\n".join(map(json.dumps, requests))).splitlines()
    pairs = [{"request": asked, "expected": json.loads(line)} for asked, line in zip(requests, said, strict=True)]
    return "".join(json.dumps(each) + "\n" for each in pairs).encode()


@pytest.fixture
def bundle(version: Version, tmp_path: Path) -> Path:
    write_bundle(version, tmp_path / "bundle", SIGNER)
    return tmp_path / "bundle"


def test_a_bundle_holds_the_small_model_and_nothing_of_another_processor(version: Version, bundle: Path) -> None:
    names = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert names == {
        "model.onnx",
        "contract.json",
        "code/inference.py",
        "vectors.jsonl",
        "manifest.json",
        "manifest.sig",
    }
    made = check_bundle(bundle, SIGNER.public)
    assert (made.model, made.version, made.precision, made.vectors) == ("tiny", 3, "int8", 60)
    assert made.artifact_sha256 == version.package.properties["artifact_sha256"]


def test_a_bundle_answers_its_vectors_without_the_artifact_s_own_code(bundle: Path) -> None:
    found = verify(bundle, SIGNER.public)
    assert found.max_difference == 0
    assert len({each["expected"]["score"] for each in map(json.loads, (bundle / "vectors.jsonl").open())}) > 10


def change(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b" ")


TAMPERED: dict[str, tuple[Callable[[Path], Any], str]] = {
    "model": (change("model.onnx"), "model.onnx has other bytes"),
    "vectors": (change("vectors.jsonl"), "vectors.jsonl has other bytes"),
    "manifest": (change("manifest.json"), "was not made with this key"),
    "signature": (lambda folder: (folder / "manifest.sig").write_text("AAAA"), "was not made with this key"),
    "no signature": (lambda folder: (folder / "manifest.sig").unlink(), "is no bundle"),
    "more": (lambda folder: (folder / "code" / "features.py").write_text("1"), "code/features.py was not signed"),
    "less": (lambda folder: (folder / "contract.json").unlink(), "contract.json is missing"),
    "link": (lambda folder: (folder / "here").symlink_to("/"), "is a link"),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_whatever_was_changed_after_the_signature_is_not_served(bundle: Path, what: str) -> None:
    act, message = TAMPERED[what]
    act(bundle)
    with pytest.raises(BundleRefused, match=message):
        verify(bundle, SIGNER.public)


def test_another_account_s_signature_is_not_served(bundle: Path) -> None:
    stranger = KeySigner(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(BundleRefused, match="was not made with this key"):
        verify(bundle, stranger.public)
    with pytest.raises(BundleRefused, match="no PEM"):
        verify(bundle, b"-----BEGIN NOTHING-----")


def test_a_machine_that_answers_otherwise_does_not_serve(version: Version, tmp_path: Path) -> None:
    """Signed, but with an answer that this model does not give."""
    lines = version.vectors.decode().splitlines()
    first = json.loads(lines[0])
    first["expected"]["score"] += 0.01
    vectors = "\n".join([json.dumps(first), *lines[1:]]).encode()
    report = json.dumps({"edge": {"precision": "int8", "vectors_sha256": sha(vectors)}}).encode()
    write_bundle(replace(version, report=report, vectors=vectors), tmp_path / "bundle", SIGNER)
    with pytest.raises(BundleRefused, match=r"differ by up to 0\.01"):
        verify(tmp_path / "bundle", SIGNER.public)


@pytest.mark.parametrize("what", ["artifact", "vectors", "edge", "folder"])
def test_no_bundle_is_made_of_what_was_not_approved(version: Version, tmp_path: Path, what: str) -> None:
    changed = {
        "artifact": replace(version, artifact=lambda path: path.write_bytes(b"another")),
        "vectors": replace(version, vectors=b"{}"),
        "edge": replace(version, report=b"{}"),
        "folder": version,
    }[what]
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(CommandError):
        write_bundle(changed, tmp_path if what == "folder" else tmp_path / "out", SIGNER)
    assert (tmp_path / "kept").read_text() == "mine"


def test_a_device_answers_over_loopback_as_the_endpoint_does(bundle: Path) -> None:
    serving = server(verify(bundle, SIGNER.public), 0)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{serving.server_port}"
    vector = json.loads((bundle / "vectors.jsonl").open().readline())

    def ask(body: bytes, path: str = "/invocations") -> tuple[int, bytes]:
        asked = urllib.request.Request(base + path, body, {"Content-Type": "application/jsonlines"})
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()

    status, body = ask(json.dumps(vector["request"]).encode())
    assert (status, json.loads(body)) == (200, vector["expected"])
    assert ask(b'{"id": 1}')[0] == 400
    assert ask(b"{}", "/elsewhere")[0] == 404
    assert urllib.request.urlopen(base + "/ping", timeout=10).status == 200
    serving.shutdown()
    serving.server_close()
