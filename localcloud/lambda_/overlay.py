"""Binary packages for an interpreter other than the one that a function's packages were built for.

A wheel for cp312 on x86-64 does not load under Python 3.11 or on another machine. The same package in the same version
is then taken from the server's own environment, as links that stand before the function's packages on the path.
"""

import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

_PACKAGE_FOLDERS = (".", "python", "python/lib/python*/site-packages")
_DIST_INFO = re.compile(r"^(?P<name>.+?)-(?P<version>[^-]+)\.dist-info$")


class OverlayError(Exception):
    """A binary package of a function cannot be had for the interpreter on this machine; the message says which."""


@dataclass(frozen=True)
class BinaryPackage:
    """An installed package with compiled code, and what its wheel was built for."""

    name: str
    version: str
    tags: frozenset[Tag]


def binary_packages(folder: Path) -> list[BinaryPackage]:
    """The packages below an unzipped asset whose WHEEL says Root-Is-Purelib: false."""
    found = [
        _package(path)
        for place in _PACKAGE_FOLDERS
        for path in sorted(folder.glob(f"{place}/*.dist-info"))
        if (path / "WHEEL").is_file()
    ]
    return [package for package in found if package is not None]


def unloadable(packages: list[BinaryPackage], python_version: str) -> list[BinaryPackage]:
    """The packages that CPython of this version cannot load on this machine."""
    return [package for package in packages if not package.tags & _loadable_tags(python_version)]


def make_overlay(packages: list[BinaryPackage], folder: Path) -> None:
    """`folder` links to the server's own copies of `packages`.

    Raises OverlayError, naming every package that the server has not or has in another version.
    """
    sources = [_own_copy(package) for package in packages]
    problems = [source for source in sources if isinstance(source, str)]
    if problems:
        raise OverlayError(_explain(problems))
    for source in sources:
        assert isinstance(source, Distribution)
        _link(source, folder)


def _package(dist_info: Path) -> BinaryPackage | None:
    name = _DIST_INFO.match(dist_info.name)
    fields = [line.partition(":")[::2] for line in (dist_info / "WHEEL").read_text().splitlines()]
    values = [(key.strip().lower(), value.strip()) for key, value in fields]
    if name is None or ("root-is-purelib", "false") not in values:
        return None
    tags = frozenset(tag for key, value in values if key == "tag" for tag in parse_tag(value))
    return BinaryPackage(name["name"], name["version"], tags)


@cache
def _loadable_tags(python_version: str) -> frozenset[Tag]:
    major, _, minor = python_version.partition(".")
    version = (int(major), int(minor))
    interpreter = f"cp{major}{minor}"
    return frozenset([*cpython_tags(version), *compatible_tags(version, interpreter)])


def _own_copy(package: BinaryPackage) -> Distribution | str:
    wanted = f"{package.name} {package.version}"
    try:
        own = distribution(package.name)
    except PackageNotFoundError:
        return f"{wanted} (not installed here)"
    return own if own.version == package.version else f"{wanted} (here {own.version})"


def _explain(problems: list[str]) -> str:
    here = f"Python {sys.version_info.major}.{sys.version_info.minor} on {os.uname().machine}"
    return (
        f"The function's packages hold compiled code that {here} cannot load, and the local cloud's own environment "
        f"has no such version to stand in for: {', '.join(problems)}. Install the runtime's own Python version and run "
        "the set-up again, or install these versions beside the local cloud."
    )


def _link(source: Distribution, folder: Path) -> None:
    root = Path(str(source.locate_file("")))
    names = {file.parts[0] for file in source.files or [] if not file.is_absolute()}
    for name in sorted(names - {"..", "__pycache__"}):
        target = folder / name
        if not target.is_symlink():
            target.symlink_to(root / name)
