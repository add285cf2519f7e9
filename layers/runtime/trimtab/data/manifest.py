"""A drop of many objects: what closes it, which objects belong to it, and whether they are what the manifest says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from trimtab.contracts import CLOSING
from trimtab.data.digests import WHOLE_BYTES
from trimtab.data.violation import SHOWN, Severity, Violation, shown
from trimtab.errors import DataError

MANIFEST: Final = CLOSING["manifest"]
MOST_PARTS: Final = 10_000
MOST_BYTES: Final = 8 * 1024 * 1024
"""Of a manifest."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_EXAMPLE: Final = '{"files": [{"key": "part-0001.parquet", "size": 12345, "sha256": "…"}]}'


@dataclass(frozen=True)
class Listed:
    """One object as a manifest describes it."""

    name: str
    """Key below the manifest's folder."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True)
class Found:
    """One object as it is."""

    size: int
    sha256: str
    """See `trimtab.data.digests`."""


def is_part(name: str) -> bool:
    """Whether an object below a drop's folder is one of its parts; names that begin with _ or . never are."""
    return not any(piece.startswith(("_", ".")) or not piece for piece in name.split("/"))


def check_size(size: int) -> None:
    """Raises DataError when a manifest has more bytes than are read."""
    if size > MOST_BYTES:
        raise DataError(f"the manifest has {size:,} bytes and at most {MOST_BYTES:,} are read", rule="manifest")


def read_manifest(body: bytes, folder: str = "") -> tuple[Listed, ...]:
    """The objects that a manifest lists, in its order; ``folder`` may stand before their keys.

    Raises DataError for anything that is no list of keys, sizes and digests.
    """
    try:
        document = json.loads(body)
        entries = document["files"] if isinstance(document, dict) else None
    except (ValueError, KeyError, RecursionError) as error:
        raise _wrong(f"it cannot be read: {error}") from error
    try:
        return listed_files(entries, folder)
    except ValueError as error:
        raise _wrong(str(error)) from error


def listed_files(entries: Any, folder: str) -> tuple[Listed, ...]:
    """The objects of a list of keys, sizes and digests. Raises ValueError for anything else."""
    if not isinstance(entries, list) or not entries:
        raise ValueError("it has no list of files")
    if len(entries) > MOST_PARTS:
        raise ValueError(f"it lists {len(entries):,} files, and at most {MOST_PARTS:,} are read")
    listed = tuple(_listed(place, entry, folder) for place, entry in enumerate(entries, 1))
    names = [entry.name for entry in listed]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"'{shown(twice)}' is listed twice")
    return listed


def _listed(place: int, entry: Any, folder: str) -> Listed:
    known = entry if isinstance(entry, dict) else {}
    key, size, sha256 = known.get("key"), known.get("size"), known.get("sha256")
    if not isinstance(key, str) or not isinstance(size, int) or not isinstance(sha256, str):
        raise ValueError(f"file {place} lacks a key, a size or a sha256")
    name = key.removeprefix(folder)
    if not is_part(name):
        raise ValueError(f"'{shown(key)}' is no object below the manifest's folder")
    if not _SHA256.fullmatch(sha256.lower()):
        raise ValueError(f"the sha256 of '{shown(key)}' has not 64 hexadecimal digits")
    return Listed(name, size, sha256.lower())


def _wrong(reason: str) -> DataError:
    return DataError(f"{MANIFEST}: {reason}. It looks like {_EXAMPLE}", rule="manifest")


def compare_parts(listed: Sequence[Listed], found: Mapping[str, Found]) -> Iterator[Violation]:
    """What is missing, other than listed, or there without being listed; what is not listed is not read."""
    for part in listed:
        there = found.get(part.name)
        if there is None:
            message = f"'{shown(part.name)}' is in the manifest and not there"
            yield Violation("missing_part", None, message, Severity.REFUSE, None, part.size)
        elif there.size != part.size:
            message = f"'{shown(part.name)}' has {there.size:,} bytes and the manifest says {part.size:,}"
            yield Violation("wrong_part", None, message, Severity.REFUSE, there.size, part.size)
        elif there.sha256 != part.sha256:
            said = f"'{shown(part.name)}' is another file than the manifest says: its SHA-256 differs"
            message = said + _in_blocks(part)
            yield Violation("wrong_part", None, message, Severity.REFUSE, there.sha256, part.sha256)
    extra = sorted(set(found) - {part.name for part in listed})
    if extra:
        names = tuple(shown(name) for name in extra[:SHOWN])
        message = f"{len(extra):,} objects are not in the manifest and were not read: {', '.join(names)}"
        yield Violation("extra_part", None, message, Severity.WARN, len(extra), 0, len(extra), values=names)


def _in_blocks(part: Listed) -> str:
    """What to say of a digest that may differ for another reason than the content."""
    if part.size <= WHOLE_BYTES:
        return ""
    return ". Of a file over 16 GB it is that of its 1 GB blocks, as 'trimtab data manifest' writes it"


def no_parts() -> Violation:
    """The finding on a drop without any object."""
    return Violation("missing_part", None, "the drop has no objects: its folder is empty", Severity.REFUSE, 0, 1)
