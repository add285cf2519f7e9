"""A signed folder for devices: a model, its contract, requests with the answers it must give, and a manifest.

``manifest.json`` holds the digest of every other file, ``manifest.sig`` an ECDSA signature (P-256, SHA-256, DER in
base64) whose message is the 32 bytes of the manifest's own SHA-256: KMS takes no more than 4,096. Whoever has the
public key can tell offline whether a folder is what was approved.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from trimtab.errors import DataError

MANIFEST, SIGNATURE, VECTORS = "manifest.json", "manifest.sig", "vectors.jsonl"
SCHEMA = 1


class BundleRefused(DataError):
    """Raised when a folder is not the bundle that was signed; the message says what differs."""


@dataclass(frozen=True)
class Manifest:
    """What a bundle holds, and where it comes from."""

    model: str
    version: int
    run: str
    package_arn: str
    precision: str
    """int8 or full."""
    artifact_sha256: str
    """Of the archive that was approved."""
    evaluation_sha256: str
    tolerance: float
    """Largest difference of an answer to a vector, relative to scores larger than 1."""
    vectors: int
    files: Mapping[str, str]
    """Hex SHA-256 by path within the folder."""

    def to_bytes(self) -> bytes:
        return (json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def of_bytes(cls, body: bytes) -> "Manifest":
        """Raises BundleRefused for what is no manifest of this schema."""
        try:
            found = json.loads(body)
            if found.pop("schema") != SCHEMA:
                raise BundleRefused(f"{MANIFEST} is of another schema than {SCHEMA}")
            return cls(**found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BundleRefused(f"{MANIFEST} cannot be read: {error}") from error


def digests(folder: Path) -> dict[str, str]:
    """Hex SHA-256 of every file below ``folder`` but manifest and signature, by path."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if name not in (MANIFEST, SIGNATURE)
    }


def check_bundle(folder: Path, public_key: bytes) -> Manifest:
    """The folder holds what was signed with the key (PEM), all of it and nothing else. Raises BundleRefused."""
    try:
        body, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_bytes()
    except OSError as error:
        raise BundleRefused(f"{folder} is no bundle: {error}") from error
    check_signature(body, signature, public_key)
    manifest = Manifest.of_bytes(body)
    _check_links(folder)
    found = digests(folder)
    for said, names in (
        ("is missing", set(manifest.files) - set(found)),
        ("was not signed", set(found) - set(manifest.files)),
        ("has other bytes than were signed", {name for name in found if found[name] != manifest.files.get(name)}),
    ):
        if names:
            raise BundleRefused(f"{min(names)} {said}")
    return manifest


def check_signature(body: bytes, signature: bytes, public_key: bytes) -> None:
    """``signature`` (base64) is the key's under ``body``. Raises BundleRefused."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_key)
    except ValueError as error:
        raise BundleRefused(f"the public key is no PEM: {error}") from error
    if not isinstance(key, EllipticCurvePublicKey):
        raise BundleRefused("the public key is of another kind: bundles are signed by ECDSA")
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), hashlib.sha256(body).digest(), ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error) as error:
        raise BundleRefused(f"{SIGNATURE} was not made with this key for this {MANIFEST}") from error


def _check_links(folder: Path) -> None:
    if linked := [path.name for path in folder.rglob("*") if path.is_symlink()]:
        raise BundleRefused(f"{linked[0]} is a link, and a bundle holds files only")
