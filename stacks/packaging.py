"""Lambda layers made on this machine, without Docker: binary wheels for the function's platform, trimmed, compiled.

A layer is known by its recipe, not by its bytes: the same recipe gives the same asset hash on every machine, whether or
not a matching Python was at hand to compile it. Built layers are kept in ``.cache``, so only the first synth pays.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Protocol

from trimtab.errors import TrimtabError

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
PYTHON_VERSION = "3.12"
SIZE_LIMIT = 250 * 1024 * 1024
"""Bytes, unzipped, that Lambda allows a function and its layers together."""
_KEPT = 6
_FORMAT = "1"
"""Raise it when this file lays layers out in another way: it makes all of them anew."""
_PLATFORMS = {"x86_64": "x86_64-manylinux_2_28", "arm64": "aarch64-manylinux_2_28"}

UNUSED = (
    "bin/*",
    ".lock",
    "*/tests/*",
    "*/include/*",
    "*.pyi",
    "*.pyx",
    "*.pxd",
    "*.pxi",
    "*.h",
    "*.hpp",
    "*.a",
    "pyarrow/src/*",
    "pyarrow/libarrow_flight*",
    "pyarrow/libarrow_python_flight*",
    "pyarrow/_flight*",
    "pyarrow/flight*",
    "numpy/f2py/*",
    "numpy/_pyinstaller/*",
)
"""Never imported by a function. libarrow_substrait stays: other parts of Arrow link it."""


class PackagingError(TrimtabError):
    """Raised when a layer cannot be made; the message says what is missing."""


class LayerPart(Protocol):
    """Something that is made for a layer."""

    def digest(self) -> str:
        """Differs whenever what is made differs."""
        ...

    def put(self, architecture: str, site: Path) -> None:
        """It stands in ``site``, made for Lambda's ``architecture``. Raises PackagingError."""
        ...


@dataclass(frozen=True)
class LayerRecipe:
    """All that decides a layer's content."""

    name: str
    lock: Path
    """requirements.txt with hashes."""
    sources: tuple[Path, ...] = ()
    """Packages of our own that go in beside the locked ones."""
    architecture: str = "x86_64"
    parts: tuple[LayerPart, ...] = ()

    @property
    def platform(self) -> str:
        return _PLATFORMS[self.architecture]

    def digest(self) -> str:
        """SHA-256 over format, platform, Python version, lock, sources and parts."""
        digest = hashlib.sha256("|".join((_FORMAT, *UNUSED, self.platform, PYTHON_VERSION)).encode())
        digest.update(self.lock.read_bytes())
        digest.update("".join(f"\0{part.digest()}" for part in self.parts).encode())
        for source in self.sources:
            for path in source_files(source):
                digest.update(f"\0{path.relative_to(source.parent).as_posix()}\0".encode() + path.read_bytes())
        return digest.hexdigest()


def source_files(folder: Path) -> list[Path]:
    """Files of a package in a fixed order, without what Python or an editor leaves behind."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if "__pycache__" not in path.parts and not path.name.startswith(".")]


def built_layer(recipe: LayerRecipe) -> Path:
    """Folder of the finished layer (its content is /opt); made when it is not in the cache."""
    python = matching_python()
    kind = "compiled" if python else "source"
    target = CACHE / "layers" / f"{recipe.name}-{recipe.digest()[:32]}-{kind}"
    if not target.is_dir():
        _build(recipe, target, python)
        _forget_old(target)
    return target


def _forget_old(newest: Path) -> None:
    """Of the layers of one name only the last few stay: every edit of the library makes another."""
    name = newest.name.partition("-")[0]
    built = sorted(newest.parent.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in built[_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _build(recipe: LayerRecipe, target: Path, python: Path | None) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as scratch:
        site = Path(scratch, "layer", "python")
        install(recipe.lock, site, recipe.platform, PYTHON_VERSION)
        _trim(site)
        for source in recipe.sources:
            _copy_source(source, site / source.name)
        for part in recipe.parts:
            part.put(recipe.architecture, site)
        if python:
            _compile(python, site)
        _publish(site.parent, target)


def _publish(built: Path, target: Path) -> None:
    """``target`` is complete; a second builder that was faster wins."""
    try:
        built.touch()  # its age is what counts when old layers are forgotten
        built.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def install(lock: Path, site: Path, platform: str, version: str) -> None:
    """Packages of a lock in ``site``, from uv's cache when it has them, else from the package index."""
    command = [
        *(uv(), "pip", "install", "--quiet", "--target", str(site), "--python", sys.executable),
        *("--python-platform", platform, "--python-version", version, "--only-binary", ":all:"),
        *("--no-deps", "--require-hashes", "--no-compile-bytecode", "--link-mode", "copy"),
        *("--requirements", str(lock)),
    ]
    if subprocess.run([*command, "--offline"], capture_output=True, check=False).returncode == 0:
        return
    shutil.rmtree(site, ignore_errors=True)
    online = subprocess.run(command, capture_output=True, text=True, check=False)
    if online.returncode:
        raise PackagingError(
            f"uv could not install {lock} for {platform}; the first synth needs the package index.\n"
            + online.stderr.strip()
        )


def uv() -> str:
    """Path of uv beside this interpreter, else on PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise PackagingError("uv is not installed; run 'make setup' and use its .venv")
    return found


def _trim(site: Path) -> None:
    for path in sorted(site.rglob("*")):
        if path.is_file() and _unused(path.relative_to(site).as_posix()):
            path.unlink()
    for folder in sorted((p for p in site.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


def _unused(name: str) -> bool:
    """Whether a file may go. Metadata stays: the local cloud matches packages by it."""
    return ".dist-info/" not in name and any(fnmatch(name, pattern) for pattern in UNUSED)


def _copy_source(source: Path, target: Path) -> None:
    for path in source_files(source):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _compile(python: Path, site: Path) -> None:
    """Bytecode that is never checked against its source, so that a cold start does not compile."""
    subprocess.run(
        [
            *(str(python), "-m", "compileall", "-q", "-q", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(site.parent), "-p", "/opt", str(site)),
        ],
        check=False,  # packages carry files that are templates, not Python
        env={"PYTHONHASHSEED": "0", "PATH": os.defpath},
        capture_output=True,
    )


@cache
def matching_python() -> Path | None:
    """An interpreter of the functions' Python version on this machine, or None."""
    return next((path for path in _candidates() if _is_matching(path)), None)


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    if found := shutil.which(f"python{PYTHON_VERSION}"):
        yield Path(found)
    yield from sorted(Path.home().glob(f".pyenv/versions/{PYTHON_VERSION}*/bin/python{PYTHON_VERSION}"))
    yield from sorted(Path.home().glob(f".local/share/uv/python/cpython-{PYTHON_VERSION}*/bin/python{PYTHON_VERSION}"))


def _is_matching(path: Path) -> bool:
    """A shim of a version manager may be on PATH without a version behind it, hence the call."""
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([str(path), "-c", ask], capture_output=True, text=True, check=False, timeout=20)
    except OSError:
        return False
    return answer.stdout.strip() == PYTHON_VERSION


def size_of(folder: Path) -> int:
    """Bytes of all files below ``folder``."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def link_tree(source: Path, target: Path) -> None:
    """``target`` holds what ``source`` holds: as hard links where the file system allows it, else as copies."""
    try:
        shutil.copytree(source, target, copy_function=os.link, dirs_exist_ok=True)
    except shutil.Error:
        shutil.copytree(source, target, dirs_exist_ok=True)
