"""Kits made on this machine, without Docker: packages that AWS's images lack, in one archive for all jobs of a kind.

Known by its recipe like a layer: the same lock gives the same asset on every machine. A machine without the images'
Python runs jobs of the local cloud with its own, so there the archive also holds the packages for that.
"""

import gzip
import hashlib
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from stacks.kernel import KernelPart
from stacks.packaging import CACHE, PYTHON_VERSION, ROOT, UNUSED, LayerPart, install, matching_python
from trimtab.authoring.kit import folder_name

ARCHITECTURE = "x86_64"
PLATFORM = "x86_64-manylinux_2_28"
ARCHIVE = "kit.tar.gz"
_FORMAT = "1"
_LEVEL = 6
_SHARED_UNUSED = ("bin/*", ".lock", "*.pyi", "*.h", "*.proto", "*/tests/*")


@dataclass(frozen=True)
class Kit:
    """All that decides a kit's content but platform and Python."""

    lock: Path
    """requirements.txt with hashes."""
    unused: tuple[str, ...]
    """What no job imports."""
    parts: tuple[LayerPart, ...] = ()

    def digest(self) -> str:
        """SHA-256 over all that decides the kit's content."""
        told = (_FORMAT, PLATFORM, PYTHON_VERSION, *self.unused, *(part.digest() for part in self.parts))
        return hashlib.sha256("|".join(told).encode() + self.lock.read_bytes()).hexdigest()


MODELS = Kit(
    ROOT / "layers" / "jobs" / "requirements.txt",
    (
        *_SHARED_UNUSED,
        "onnx/backend/test/*",
        "onnx/reference/*",
        "onnxruntime/capi/libonnxruntime.so*",
        "onnxruntime/tools/*",
        "onnxruntime/transformers/*",
        "onnxruntime/quantization/*",
        "onnxruntime/datasets/*",
        "google/*",
        "protobuf-*",
        "onnx/*.cc",
    ),
)
"""For training and evaluation. protobuf is the image's own: the training toolkit needs it."""
LAKE = Kit(
    ROOT / "layers" / "lake" / "requirements.txt",
    (*_SHARED_UNUSED, *UNUSED),
    (KernelPart(),),
)
"""For the gate on tables in a lake: what it needs beside Spark, and its inner loops."""


def built_kit(kit: Kit = MODELS) -> Path:
    """The finished archive; made when it is not in the cache."""
    versions = _versions()
    kind = "-".join(folder_name(version) for version in versions)
    target = CACHE / "kits" / f"{kit.digest()[:32]}-{kind}" / ARCHIVE
    if not target.is_file():
        _build(kit, versions, target)
    return target


def _versions() -> list[tuple[int, int]]:
    major, minor = map(int, PYTHON_VERSION.split("."))
    return [(major, minor)] if matching_python() else [(major, minor), sys.version_info[:2]]


def _build(kit: Kit, versions: list[tuple[int, int]], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as scratch:
        for major, minor in versions:
            site = Path(scratch, folder_name((major, minor)))
            install(kit.lock, site, PLATFORM, f"{major}.{minor}")
            for part in kit.parts:
                part.put(ARCHITECTURE, site)
        made = Path(scratch, ARCHIVE)
        _archive(Path(scratch), made, kit.unused)
        os.replace(made, target)


def _archive(folder: Path, target: Path, unused: Sequence[str]) -> None:
    """A tar.gz of the folder's Python trees, the same bytes for the same content."""
    with (
        target.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=_LEVEL) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in _kept(folder, unused):
            member = tarfile.TarInfo(path.relative_to(folder).as_posix())
            member.size, member.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)


def _kept(folder: Path, unused: Sequence[str]) -> Iterator[Path]:
    for site in sorted(folder.glob("cp*")):
        for path in sorted(site.rglob("*")):
            name = path.relative_to(site).as_posix()
            if path.is_file() and not any(fnmatch(name, pattern) for pattern in unused):
                yield path
