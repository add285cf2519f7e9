"""Who a dropped object is: its kind by its folder, its identity by its content."""

import hashlib
from typing import BinaryIO, Final

from trimtab.contracts import DropKind
from trimtab.errors import DataError

BLOCK_BYTES: Final = 4 * 1024 * 1024


def kind_of(model: str, key: str) -> DropKind:
    """The kind that the folder of ``key`` says. Raises DataError for a key outside the model's folders."""
    for kind in DropKind:
        if key.startswith(f"{model}/{kind.value}/"):
            return kind
    raise DataError(f"{key} lies outside {model}/data/ and {model}/truth/: drop files there")


def sha256_of(stream: BinaryIO) -> str:
    """Hex SHA-256 of a stream, read in blocks of 4 MB."""
    digest = hashlib.sha256()
    while block := stream.read(BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()
