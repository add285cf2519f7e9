"""The job kit: packages that a job needs and its image lacks, in an archive among the job's inputs.

The archive holds a folder for each Python it was made for, called cp312 and so on. Needs nothing but Python.
"""

import sys
import tarfile
import tempfile
from pathlib import Path

from trimtab.artifact.untar import extract

CHANNEL = "kit"


def use_kit(channel: Path) -> Path | None:
    """The kit's packages can be imported, after those of the image; returns where they are unpacked.

    None without an archive in ``channel``: then the packages must be installed. Raises SystemExit for a kit that was
    made for other versions of Python only.
    """
    archive = next(iter(sorted(channel.glob("*.gz"))), None) if channel.is_dir() else None
    if archive is None:
        return None
    target = Path(tempfile.mkdtemp(prefix="kit-"))
    with tarfile.open(archive, "r:gz") as packed:
        extract(packed, target)
    own = target / folder_name()
    if not own.is_dir():
        made = ", ".join(sorted(path.name for path in target.iterdir()))
        raise SystemExit(f"the job kit was made for {made}, and this image runs Python {sys.version.split()[0]}")
    sys.path.append(str(own))
    return own


def folder_name(version: tuple[int, int] = sys.version_info[:2]) -> str:
    """Folder of the packages for a version of Python."""
    return "cp{}{}".format(*version)
