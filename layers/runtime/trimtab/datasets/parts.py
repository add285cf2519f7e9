"""The objects of a drop, each pinned by its version."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from trimtab.data.violation import Violation
from trimtab.datasets.sources import Source
from trimtab.ports import ObjectStore


@dataclass(frozen=True)
class Part:
    """One object of a drop, pinned by its version."""

    name: str
    """Key below the drop's folder."""
    uri: str
    version: str
    size: int
    """Bytes."""
    sha256: str
    """Empty where nobody has read it or told it, as of a table in a lake."""

    @property
    def identity(self) -> str:
        """What is the same only for the same content."""
        return self.sha256 or f"{self.uri}@{self.version}"


@dataclass(frozen=True)
class Parts:
    """The objects of a drop in the order in which they are read, and what is wrong with their being there."""

    parts: tuple[Part, ...] = ()
    violations: tuple[Violation, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(part.size for part in self.parts)

    @property
    def sha256(self) -> str:
        """Identity of the drop: of its objects' names and contents, wherever they lie, and of what is wrong."""
        said = [[part.name, part.identity] for part in self.parts] + [found.message for found in self.violations]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def dumps(self) -> bytes:
        """The parts as the bytes of a JSON file."""
        findings = [found.to_json() for found in self.violations]
        return json.dumps({"parts": [asdict(part) for part in self.parts], "findings": findings}, indent=1).encode()

    @classmethod
    def loads(cls, body: bytes) -> Self:
        """The parts that ``dumps`` wrote."""
        document: dict[str, list[dict[str, Any]]] = json.loads(body)
        parts = tuple(Part(**part) for part in document["parts"])
        return cls(parts, tuple(Violation.from_json(found) for found in document["findings"]))


def parts_of(source: Source, objects: ObjectStore) -> tuple[Part, ...]:
    """The objects of an accepted drop, in the order in which they are read."""
    if source.parts:
        return Parts.loads(objects.read(source.parts)).parts
    return (Part(source.uri.rsplit("/", 1)[-1], source.uri, source.version, 0, source.sha256),)
