"""A table in a lake that somebody points to: which objects it has is fixed by version when the pointer is claimed.

Nothing of it is read here. What is claimed is what is judged and what is learned from, so the lake's bucket has to keep
versions; a table is known by those, as nobody has computed what it holds.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Self

from trimtab.contracts import POINTER, Drop, DropKind
from trimtab.data.formats import Format, format_of
from trimtab.data.manifest import Found, Listed, check_size, compare_parts, listed_files, no_parts
from trimtab.data.violation import Severity, Violation, shown
from trimtab.datasets.parts import Part, Parts
from trimtab.errors import DataError
from trimtab.intake.parts import parts_below
from trimtab.ports import ObjectStore
from trimtab.spec import DataSpec

RULE: Final = "lake"
_EXAMPLE: Final = '{"location": "s3://lake/flights/day=2026-03-01/"}'
_UNVERSIONED: Final = ("", "null")


def is_pointer(drop: Drop, data: DataSpec) -> bool:
    """Whether a drop only says where a table lies."""
    named = drop.key.rsplit("/", 1)[-1] == POINTER
    return named and drop.kind is DropKind.DATA and data.lake is not None


@dataclass(frozen=True)
class Pointer:
    """What a pointer says."""

    location: str
    listed: tuple[Listed, ...] | None
    """The table's objects; None where everything below the location counts."""

    @classmethod
    def loads(cls, body: bytes, allowed: str) -> Self:
        """Raises DataError for anything that is no pointer to a table below the URI ``allowed``."""
        try:
            document: Any = json.loads(body)
            location = document["location"] if isinstance(document, dict) else None
            if not isinstance(location, str) or not location.endswith("/"):
                raise ValueError("its location is no folder")
            if not location.startswith(allowed) or "/../" in location:
                raise ValueError(f"'{shown(location)}' is not below {allowed}, which data.lake.location allows")
            entries = document.get("files")
            return cls(location, None if entries is None else listed_files(entries, location.split("/", 3)[3]))
        except (ValueError, KeyError, RecursionError) as error:
            raise DataError(f"{POINTER}: {error}. It looks like {_EXAMPLE}", rule=RULE) from error


@dataclass(frozen=True)
class Table:
    """The objects of a table, and where it lies; the location of one that is not fit to be judged is empty."""

    parts: Parts
    location: str = ""


def find_table(objects: ObjectStore, drop: Drop, allowed: str, format: Format) -> Table:
    """What a pointer points to. Whatever it says, this does not fail: what is wrong is in the parts' violations.

    ``allowed`` is ``data.lake.location``, ``format`` that of objects whose name does not tell.
    """
    try:
        if (head := objects.head(drop.uri, drop.version)) is not None:
            check_size(head.size)
        pointer = Pointer.loads(objects.read(drop.uri, drop.version), allowed)
        found = parts_below(objects, pointer.location)
    except DataError as error:
        return _refused(Violation(RULE, None, str(error), Severity.REFUSE))
    parts = _told(found, pointer.listed)
    violations = (*_unfit(parts, format), *_compared(found, pointer.listed))
    if any(violation.severity is Severity.REFUSE for violation in violations):
        return _refused(*violations)
    return Table(Parts(parts, violations), pointer.location)


def changed(objects: ObjectStore, parts: Parts) -> str:
    """The name of an object of the table that is not any more what was claimed; empty when all are."""
    for part in parts.parts:
        now = objects.head(part.uri)
        if now is None or now.version != part.version:
            return part.name
    return ""


def _told(found: tuple[Part, ...], listed: tuple[Listed, ...] | None) -> tuple[Part, ...]:
    """The objects that count, with the digests that the pointer lists."""
    if listed is None:
        return found
    there = {part.name: part for part in found}
    return tuple(
        Part(part.name, part.uri, part.version, part.size, entry.sha256)
        for entry in listed
        if (part := there.get(entry.name)) is not None
    )


def _compared(found: tuple[Part, ...], listed: tuple[Listed, ...] | None) -> tuple[Violation, ...]:
    """What is missing, of another size, or there without being listed. The job looks at digests."""
    if listed is None:
        return () if found else (no_parts(),)
    said = {entry.name: entry.sha256 for entry in listed}
    return tuple(compare_parts(listed, {part.name: Found(part.size, said.get(part.name, "")) for part in found}))


def _unfit(parts: tuple[Part, ...], format: Format) -> tuple[Violation, ...]:
    """Why a table cannot be judged as it is."""
    messages = []
    if other := [part.name for part in parts if format_of(part.uri, format) != "parquet"]:
        messages.append(f"'{shown(other[0])}' is no Parquet file; a table in a lake is judged from those alone")
    if loose := [part.name for part in parts if part.version in _UNVERSIONED]:
        messages.append(
            f"'{shown(loose[0])}' has no version, so it could change after it was judged: switch versioning on for the "
            "lake's bucket, then write the table again"
        )
    return tuple(Violation(RULE, None, message, Severity.REFUSE) for message in messages)


def _refused(*violations: Violation) -> Table:
    return Table(Parts((), violations))
