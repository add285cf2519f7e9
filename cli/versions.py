"""Versions by their reference, ``flights@3``, with the record of how each was made."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cli.errors import CommandError
from cli.packages import find
from cli.stage import Stage
from trimtab.names import RECORDS
from trimtab.ports import Package
from trimtab.rollout.approval import RECORD

VersionReference = Annotated[str, typer.Argument(metavar="MODEL@VERSION", help="For example flights@3.")]


@dataclass(frozen=True)
class Recorded:
    """A version, and how it was made."""

    model: str
    package: Package
    record: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.model}@{self.package.version}"


def parse(reference: str) -> tuple[str, int]:
    """Model and version. Raises CommandError that says how a reference looks."""
    found = re.fullmatch(r"([a-z][a-z0-9-]*)@v?(\d+)", reference)
    if found is None:
        raise CommandError(f"'{reference}' is no version; name one as MODEL@VERSION, for example flights@3")
    return found[1], int(found[2])


def recorded(stage: Stage, reference: str) -> Recorded:
    """The version with its record, which is the one that was signed. Raises CommandError when there is none."""
    model, version = parse(reference)
    package = find(stage, model, version)
    said = package.properties.get(RECORD)
    if not said:
        raise CommandError(f"{reference} was registered without a record of how it was made")
    body = read(stage, f"{folder(stage, model, package)}/record.json")
    if hashlib.sha256(body).hexdigest() != said:
        raise CommandError(f"the record of {reference} was changed after it was registered: do not rely on it")
    return Recorded(model, package, json.loads(body))


def folder(stage: Stage, model: str, package: Package) -> str:
    """Where a version's record and reports lie."""
    return f"s3://{stage.data['ArtifactsBucket']}/{model}/{RECORDS}/{package.properties['run']}"


def read(stage: Stage, uri: str) -> bytes:
    """The object's bytes. Raises CommandError when it is gone."""
    try:
        return stage.objects.read(uri)
    except FileNotFoundError as error:
        raise CommandError(f"{uri} does not exist any more") from error


def read_json(stage: Stage, uri: str) -> dict[str, Any]:
    """The JSON object in an object. Raises CommandError when it is gone."""
    found: dict[str, Any] = json.loads(read(stage, uri))
    return found
