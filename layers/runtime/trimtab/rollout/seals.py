"""Objects whose digests a version's record vouches for, and whether they are still what they were."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from trimtab.names import RECORDS
from trimtab.ports import ObjectStore

_BLOCK = 1024 * 1024


def record_path(run: str, name: str = "record.json") -> tuple[str, ...]:
    """Parts of the key, below the model's folder, of something that was written down about ``run``."""
    return RECORDS, run, name


def seal(objects: ObjectStore, uri: str) -> dict[str, str] | None:
    """Address and digest of an object as it is now; None when there is none."""
    digest = sha256_of(objects, uri)
    return {"uri": uri, "sha256": digest} if digest else None


def broken_seals(objects: ObjectStore, record: Mapping[str, Any]) -> Iterator[str]:
    """Names of the sealed objects that are gone or have other bytes."""
    for name, sealed in record.get("sealed", {}).items():
        if sha256_of(objects, sealed["uri"]) != sealed["sha256"]:
            yield name


def sha256_of(objects: ObjectStore, uri: str) -> str | None:
    """Hex SHA-256 of an object's bytes, read in blocks; None when it is gone."""
    digest = hashlib.sha256()
    try:
        with objects.open(uri) as source:
            while block := source.read(_BLOCK):
                digest.update(block)
    except FileNotFoundError:
        return None
    return digest.hexdigest()
