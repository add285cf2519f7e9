"""A drop of many objects: what belongs to it is fixed once, by version, when it is claimed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final, Self

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
from trimtab.intake.side_by_side import side_by_side
from trimtab.ports import ObjectStore

OBJECT: Final = "object"


@dataclass(frozen=True)
class Gathered:
    """The objects of a drop before anything is known of what they hold."""

    parts: tuple[Part, ...] = ()
    """By name; their digests are empty."""
    listed: tuple[Listed, ...] | None = None
    """What the manifest says; None without one."""
    violations: tuple[Violation, ...] = ()

    @cached_property
    def read(self) -> tuple[int, ...]:
        """Places of the objects that are read: those that are listed, or all."""
        names = None if self.listed is None else {entry.name for entry in self.listed}
        return tuple(place for place, part in enumerate(self.parts) if names is None or part.name in names)

    def known(self, digests: Mapping[int, str]) -> Parts:
        """The drop's objects with the digests of those that are read, and what is wrong with their being there."""
        held = {place: _with(part, digests.get(place, "")) for place, part in enumerate(self.parts)}
        if self.listed is None:
            missing = () if self.parts or self.violations else (no_parts(),)
            return Parts(tuple(held.values()), (*self.violations, *missing))
        found = {part.name: part for part in held.values()}
        contents = {name: Found(part.size, part.sha256) for name, part in found.items()}
        parts = tuple(found[entry.name] for entry in self.listed if entry.name in found)
        return Parts(parts, (*self.violations, *compare_parts(self.listed, contents)))

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        listed = None if self.listed is None else [asdict(entry) for entry in self.listed]
        found = [violation.to_json() for violation in self.violations]
        return {"parts": [asdict(part) for part in self.parts], "listed": listed, "violations": found}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """What ``to_json`` wrote."""
        listed = None if document["listed"] is None else tuple(Listed(**entry) for entry in document["listed"])
        found = tuple(Violation.from_json(violation) for violation in document["violations"])
        return cls(tuple(Part(**part) for part in document["parts"]), listed, found)


def _with(part: Part, digest: str) -> Part:
    return Part(part.name, part.uri, part.version, part.size, digest)


def gather_parts(objects: ObjectStore, closing_uri: str, version: str, how: str, home: str) -> Gathered:
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
        found = parts_below(objects, folder)
        listed = _listed(objects, closing_uri, version, folder) if how == "manifest" else None
    except DataError as error:
        return Gathered(violations=(Violation(error.rule, None, str(error), Severity.REFUSE),))
    return Gathered(found, listed)


def _listed(objects: ObjectStore, uri: str, version: str, folder: str) -> tuple[Listed, ...]:
    head = objects.head(uri, version)
    if head is not None:
        check_size(head.size)
    return read_manifest(objects.read(uri, version), folder.split("/", 3)[3])


def parts_below(objects: ObjectStore, folder: str) -> tuple[Part, ...]:
    """Every object that may be a part, by name, at the version that is newest now."""
    parts = (item.uri for item in objects.list(folder) if is_part(item.uri.removeprefix(folder)))
    if len(uris := list(islice(parts, MOST_PARTS + 1))) > MOST_PARTS:
        raise DataError(f"the folder holds more than {MOST_PARTS:,} objects: split the drop", rule="limits")
    heads = [head for head in side_by_side(objects.head, uris) if head is not None]
    return tuple(Part(head.uri.removeprefix(folder), head.uri, head.version, head.size, "") for head in heads)
