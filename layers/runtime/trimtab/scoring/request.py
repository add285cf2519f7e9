"""What was asked to be scored, and the objects that it comes to."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trimtab.errors import DataError
from trimtab.ports import ObjectInfo, ObjectStore

Cause = Literal["arrival", "schedule", "person"]
ENDINGS = (".jsonl", ".ndjson")
INCOMING, ASKED = "incoming", "asked"
"""Folders below the model's ``batch`` in the drops bucket: what is scored by itself, and what a person asks for."""


@dataclass(frozen=True)
class Inputs:
    """Objects of one batch, pinned by their versions as far as the store keeps any."""

    folder: str
    """URI below which all of them lie, without a slash at its end."""
    objects: tuple[ObjectInfo, ...]
    left_out: tuple[str, ...] = ()
    """URIs of what lay there too, and is no JSON Lines."""

    def manifest(self) -> bytes:
        """The ManifestFile that a transform job reads."""
        names = [each.uri.removeprefix(f"{self.folder}/") for each in self.objects]
        return json.dumps([{"prefix": f"{self.folder}/"}, *names]).encode()

    def to_json(self) -> list[dict[str, Any]]:
        """What the ledger's evidence says of each object."""
        return [{"uri": each.uri, "version": each.version, "size": each.size} for each in self.objects]


def found(objects: ObjectStore, folder: str, where: str) -> Inputs:
    """What lies at ``where``: one object, or all below it. Raises DataError.

    ``folder`` is the only place from which anything may be scored.
    """
    if not where.startswith(f"{folder}/"):
        raise DataError(f"{where} does not lie below {folder}/: put it there, or let `trimtab score` do it")
    if where.endswith("/"):
        return of_json_lines(folder, objects.list(where), where)
    single = objects.head(where)
    return of_json_lines(folder, [single] if single else [], where)


def of_json_lines(folder: str, listed: Iterable[ObjectInfo], where: str) -> Inputs:
    """The objects of ``listed`` that can be scored. Raises DataError when there is none."""
    there = [each for each in listed if each.size]
    fitting = tuple(each for each in there if each.uri.endswith(ENDINGS))
    others = tuple(each.uri for each in there if each not in fitting)
    if not fitting:
        what = f"only {len(others)} of another kind" if others else "nothing"
        raise DataError(f"at {where} lies {what}: records are scored from JSON Lines ({' or '.join(ENDINGS)})")
    return Inputs(folder, fitting, others)


def new_since(listed: Sequence[ObjectInfo], known: Iterable[Sequence[str]]) -> list[ObjectInfo]:
    """Objects, or contents of objects, that an earlier listing did not have."""
    seen = {tuple(each) for each in known}
    return [each for each in listed if (each.uri, each.etag) not in seen]


def listing(listed: Iterable[ObjectInfo]) -> list[list[str]]:
    """What ``new_since`` compares the next listing with."""
    return [[each.uri, each.etag] for each in listed]
