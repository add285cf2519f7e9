"""Deployment packages and layers on disk: unzipped once by content, shared read-only by all functions."""

import hashlib
import io
import os
import shutil
import stat
import threading
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

from localcloud.lambda_.runtimes import LambdaRuntime
from localcloud.processes import Processes

UNZIPPED_LIMIT_BYTES = 262_144_000
_NAME_LENGTH = 24


def unzipped_bytes(data: bytes) -> int:
    """Size of a zip file's contents. Raises zipfile.BadZipFile."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def bytecode_suffix(version: str) -> str:
    """How CPython of a version such as 3.12 names its bytecode files."""
    return f".cpython-{version.replace('.', '')}.pyc"


class Assets:
    """A folder of unzipped assets, each complete and with bytecode, or absent."""

    def __init__(self, folder: Path, processes: Processes) -> None:
        self._folder = folder
        self._processes = processes
        self._making: dict[Path, threading.Lock] = {}
        self._sizes: dict[str, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def measure(self, digest: str, data: bytes) -> int:
        """Unzipped size of the zip file with this sha256, which is needed the first time. Raises zipfile.BadZipFile."""
        if digest not in self._sizes:
            self._sizes[digest] = unzipped_bytes(data)
        return self._sizes[digest]

    def ensure(self, digest: str, data: bytes) -> None:
        """The zip file with this sha256 is unzipped; `data` may be empty when it was before.

        Raises LookupError when it was, but has been deleted since.
        """
        if not data and not self.unzipped(digest).exists():
            raise LookupError(f"The code in {self.unzipped(digest)} has been deleted: deploy the function again.")
        self._once(self.unzipped(digest), lambda partial: unzip(data, partial))

    def code(self, digest: str, runtime: LambdaRuntime) -> Path:
        """The folder of an added asset, with bytecode for the interpreter."""
        return self._compiled(self.unzipped(digest), runtime)

    def merged(self, digests: tuple[str, ...], runtime: LambdaRuntime) -> Path:
        """One folder of all layers, where a later layer's file replaces an earlier one's; empty without layers."""
        folders = [self.code(digest, runtime) for digest in digests]
        if len(folders) == 1:
            return folders[0]
        name = hashlib.sha256(" ".join([runtime.version, *digests]).encode()).hexdigest()[:_NAME_LENGTH]
        return self._once(self._folder / f"layers-{name}", lambda partial: _merge(folders, partial))

    def derived(self, name: str, make: Callable[[Path], None]) -> Path:
        """A folder made from assets, under a name that says from which."""
        return self._once(self._folder / name, make)

    def unzipped(self, digest: str) -> Path:
        """The folder of an added asset."""
        return self._folder / digest[:_NAME_LENGTH]

    def _lock(self, path: Path) -> threading.Lock:
        return self._making.setdefault(path, threading.Lock())

    def _once(self, folder: Path, make: Callable[[Path], None]) -> Path:
        with self._lock(folder):
            if not folder.exists():
                partial = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.part")
                partial.mkdir()
                try:
                    make(partial)
                    partial.rename(folder)
                finally:
                    shutil.rmtree(partial, ignore_errors=True)
        return folder

    def _compiled(self, folder: Path, runtime: LambdaRuntime) -> Path:
        mark = folder.with_name(f"{folder.name}{bytecode_suffix(runtime.version)}")
        with self._lock(mark):
            if not mark.exists():
                if not _brings_bytecode(folder, runtime.version):
                    self._compile(folder, runtime.python)
                mark.touch()
        return folder

    def _compile(self, folder: Path, python: Path) -> None:
        command = [str(python), "-I", "-S", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "."]
        process = self._processes.spawn(command, env={"PATH": os.defpath}, cwd=folder, nice=5)
        process.wait()  # its status only says whether some file is not valid Python, which is the function's affair


def unzip(data: bytes, folder: Path) -> None:
    """The archive's files are below `folder` with their modes, readable by all; links come last, so that nothing is
    written through one."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        for entry in (entry for entry in entries if not _is_link(entry)):
            path = Path(archive.extract(entry, folder))
            if not entry.is_dir():
                path.chmod(_mode(entry))
        for entry in (entry for entry in entries if _is_link(entry)):
            path = folder / entry.filename
            if not path.resolve().is_relative_to(folder.resolve()):
                raise zipfile.BadZipFile(f"{entry.filename} leads out of the archive")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(archive.read(entry).decode())


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _mode(entry: zipfile.ZipInfo) -> int:
    return (entry.external_attr >> 16) & 0o777 | 0o444


def _brings_bytecode(folder: Path, version: str) -> bool:
    """Whether the asset has bytecode of its own, or no Python at all."""
    suffix = bytecode_suffix(version)
    sources = False
    for path in folder.rglob("*.py*"):
        if path.name.endswith(suffix):
            return True
        sources = sources or path.suffix == ".py"
    return not sources


def _merge(folders: list[Path], target: Path) -> None:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            _place(path, target / path.relative_to(folder))


def _place(path: Path, target: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        target.mkdir(exist_ok=True)
        return
    target.unlink(missing_ok=True)
    if path.is_symlink():
        target.symlink_to(os.readlink(path))
    else:
        os.link(path, target)
