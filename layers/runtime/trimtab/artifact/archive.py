"""Opens a model artifact with care: it came from a training job, and anybody may have written that job."""

import hashlib
import tarfile
from dataclasses import dataclass
from pathlib import Path

from trimtab.artifact.untar import extract
from trimtab.errors import DataError

MAX_BYTES = 4 * 1024**3
"""Largest unpacked size."""
MAX_MEMBERS = 5_000
READ_BYTES = 1024**2


@dataclass(frozen=True)
class Artifact:
    """An unpacked model.tar.gz."""

    folder: Path
    size_bytes: int
    """Bytes of the archive."""
    sha256: str
    """Hex digest of the archive."""


def unpack(archive: Path, folder: Path) -> Artifact:
    """The archive's files stand in ``folder``. Raises DataError for one that is broken, too large or reaches outside.

    An absolute name loses its beginning; what else leads outside is refused, as are devices.
    """
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive, "r:gz") as packed:
            _check_size(packed, archive)
            extract(packed, folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{archive.name} is not a usable model archive: {error}") from error
    return Artifact(folder, archive.stat().st_size, sha256(archive))


def _check_size(packed: tarfile.TarFile, archive: Path) -> None:
    total = 0
    for count, member in enumerate(packed, start=1):
        total += member.size
        if count > MAX_MEMBERS or total > MAX_BYTES:
            raise DataError(f"{archive.name} unpacks to more than {MAX_MEMBERS} files or {MAX_BYTES >> 30} GiB")


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def find_archive(folder: Path) -> Path | None:
    """The model archive that a job's input folder holds, None when the folder has none."""
    return next(iter(sorted(folder.rglob("*.tar.gz"))), None) if folder.is_dir() else None
