"""Fakes of what a registration writes to, in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trimtab.ledger.lineage_graph import LineageEdge, LineageNode
from trimtab.rollout.deployment import DEPLOYMENT, config_of


@dataclass
class MemoryJobs:
    """Jobs that a test says have run."""

    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def training(self, name: str) -> dict[str, Any] | None:
        return self.requests.get(name)

    def processing(self, name: str) -> dict[str, Any] | None:
        return self.requests.get(name)

    def image_digest(self, image_uri: str) -> str | None:
        return self.digests.get(image_uri)


@dataclass
class MemoryCards:
    """Cards by name."""

    held: dict[str, str] = field(default_factory=dict)

    def create(self, name: str, content: str, key_id: str, tags: Mapping[str, str]) -> str:
        self.held.setdefault(name, content)
        return f"arn:aws:sagemaker:us-east-1:123456789012:model-card/{name}"


@dataclass
class MemoryLineage:
    """A graph."""

    nodes: dict[str, LineageNode] = field(default_factory=dict)
    edges: set[tuple[str, str, str]] = field(default_factory=set)

    def record(self, nodes: Iterable[LineageNode], edges: Iterable[LineageEdge]) -> dict[str, str]:
        found = {node.name: node for node in nodes}
        self.nodes |= found
        self.edges |= {(edge.source, edge.kind, edge.target) for edge in edges}
        return {name: f"arn:{name}" for name in found}

    def deployed(self, endpoint_arn: str) -> str | None:
        """As a reconciler sees it: the newest deployment on the endpoint."""
        found = [node for node in self.nodes.values() if (node.type, node.source) == (DEPLOYMENT, endpoint_arn)]
        return config_of(found[-1].name) if found else None
