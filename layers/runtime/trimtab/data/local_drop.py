"""A drop that lies in files: one, or a folder of many that a manifest or a marker closes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trimtab.contracts import CLOSING
from trimtab.data.digests import digest_of_file
from trimtab.data.manifest import Found, Listed, check_size, compare_parts, is_part, no_parts, read_manifest
from trimtab.data.read import Format, format_of
from trimtab.data.report import DropReport
from trimtab.data.validate import Gate, conclude, examine
from trimtab.data.violation import Severity, Violation
from trimtab.errors import DataError

if TYPE_CHECKING:
    from trimtab.spec import DataSpec


@dataclass(frozen=True)
class DropFile:
    """One file of a drop and its name within it; the name of a drop's only file is empty."""

    name: str
    path: Path
    format: Format


@dataclass(frozen=True)
class LocalDrop:
    """The files of a drop in their order, and what is wrong with their being there."""

    path: Path
    files: tuple[DropFile, ...]
    violations: tuple[Violation, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.path.stat().st_size for file in self.files)


def judge_drop(drop: LocalDrop, gate: Gate) -> DropReport:
    """The report on a drop; each file is read once, one after the other."""
    partials = []
    for file in drop.files:
        with file.path.open("rb") as stream:
            partials.append(examine(stream, file.format, gate, file.name))
    return conclude(partials, gate, drop.violations)


def local_drop(path: Path, data: DataSpec) -> LocalDrop:
    """The drop at a path: a file, or a folder that is read as ``data.drop`` says."""
    if not path.is_dir():
        return LocalDrop(path, (DropFile("", path, format_of(path.name, data.format)),))
    try:
        listed = _listed(path, data)
    except DataError as error:
        return LocalDrop(path, (), (Violation(error.rule, None, str(error), Severity.REFUSE),))
    there = _parts(path)
    if listed is None:
        files, violations = list(there), [] if there else [no_parts()]
    else:
        files = [part.name for part in listed if part.name in there]
        found = {name: Found(file.stat().st_size, digest_of_file(file)) for name, file in there.items()}
        violations = list(compare_parts(listed, found))
    return LocalDrop(path, _files(files, there, data), tuple(violations))


def manifest_of(folder: Path) -> bytes:
    """The manifest that closes a folder as it is now. Raises DataError for a folder without a part."""
    parts = _parts(folder)
    if not parts:
        raise DataError(no_parts().message, rule="missing_part")
    files = [{"key": name, "size": file.stat().st_size, "sha256": digest_of_file(file)} for name, file in parts.items()]
    return json.dumps({"files": files}, indent=1).encode()


def _parts(folder: Path) -> dict[str, Path]:
    """Files that are parts of the drop in a folder, by name."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {name: file for file in files if is_part(name := _name(file, folder))}


def _files(names: Sequence[str], there: dict[str, Path], data: DataSpec) -> tuple[DropFile, ...]:
    return tuple(DropFile(name, there[name], format_of(name, data.format)) for name in names)


def _name(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()


def _listed(folder: Path, data: DataSpec) -> tuple[Listed, ...] | None:
    """What the manifest lists; None where a marker closes the folder. Raises DataError when it is not closed."""
    closing = CLOSING.get(data.drop)
    if closing is None:
        raise DataError("model.yaml takes one object for a drop (data.drop: object), not a folder", rule="manifest")
    if not (folder / closing).is_file():
        raise DataError(f"the folder has no {closing}, which closes a drop", rule="manifest")
    if data.drop != "manifest":
        return None
    check_size((folder / closing).stat().st_size)
    return read_manifest((folder / closing).read_bytes())
