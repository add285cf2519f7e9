"""What came of what, and whoever keeps it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class LineageNode:
    """Something that a version came of: an artifact, or the action that made it."""

    kind: str
    """Artifact or Action."""
    name: str
    type: str
    """For example Dataset, Model, ModelTraining."""
    source: str
    """URI or ARN of the thing itself."""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LineageEdge:
    """What came of what."""

    source: str
    """Name of a node."""
    target: str
    kind: str
    """ContributedTo, Produced, DerivedFrom, AssociatedWith."""


class Lineage(Protocol):
    """A graph of artifacts and actions that SageMaker keeps."""

    def record(self, nodes: Iterable[LineageNode], edges: Iterable[LineageEdge]) -> dict[str, str]:
        """ARN by name of every node, each made once however often it is recorded; the edges stand between them."""
        ...
