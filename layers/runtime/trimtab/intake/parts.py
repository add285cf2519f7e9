"""A drop of many objects: what belongs to it is fixed once, by version, when it is claimed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from trimtab.contracts import CLOSING
from trimtab.data.manifest import (
    MOST_PARTS,
    Found,
    Listed,
    check_size,
    compare_parts,
    is_part,
    no_parts,
    read_manifest,
)
from trimtab.data.violation import Severity, Violation
from trimtab.datasets.parts import Part, Parts
from trimtab.errors import DataError
from trimtab.intake.identify import sha256_of
from trimtab.ports import ObjectStore

OBJECT: Final = "object"


def find_parts(objects: ObjectStore, closing_uri: str, version: str, how: str, home: str) -> Parts:
    """The objects of the drop that an object has closed; ``how`` is ``data.drop`` of the spec.

    ``home`` is the URI of the folder in which drops have folders of their own. Nothing that lies there makes this fail:
    what is wrong is in the violations.
    """
    folder = closing_uri.rsplit("/", 1)[0] + "/"
    try:
        if closing_uri != folder + CLOSING[how] or folder == home:
            raise DataError(
                f"a drop of many objects has a folder of its own, closed by {CLOSING[how]}", rule="manifest"
            )
        found = _found(objects, folder)
        listed = _listed(objects, closing_uri, version, folder) if how == "manifest" else None
    except DataError as error:
        return Parts(violations=(Violation(error.rule, None, str(error), Severity.REFUSE),))
    if listed is None:
        return Parts(tuple(found.values()), () if found else (no_parts(),))
    return _as_listed(listed, found)


def _as_listed(listed: Sequence[Listed], found: Mapping[str, Part]) -> Parts:
    contents = {name: Found(part.size, part.sha256) for name, part in found.items()}
    parts = tuple(found[entry.name] for entry in listed if entry.name in found)
    return Parts(parts, tuple(compare_parts(listed, contents)))


def _listed(objects: ObjectStore, uri: str, version: str, folder: str) -> tuple[Listed, ...]:
    head = objects.head(uri, version)
    if head is not None:
        check_size(head.size)
    return read_manifest(objects.read(uri, version), folder.split("/", 3)[3])


def _found(objects: ObjectStore, folder: str) -> dict[str, Part]:
    """Every object that may be a part, by its name, at the version that is newest now."""
    found: dict[str, Part] = {}
    for part in _pinned(objects, folder):
        found[part.name] = part
        if len(found) > MOST_PARTS:
            raise DataError(f"the folder holds more than {MOST_PARTS:,} objects: split the drop", rule="limits")
    return found


def _pinned(objects: ObjectStore, folder: str) -> Iterator[Part]:
    for item in objects.list(folder):
        name = item.uri.removeprefix(folder)
        head = objects.head(item.uri) if is_part(name) else None
        if head is not None:
            with objects.open(item.uri, head.version or None) as stream:
                yield Part(name, item.uri, head.version, head.size, sha256_of(stream))
