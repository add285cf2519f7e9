"""A version that begins to serve, as SageMaker's lineage tells it: package → deployment on the endpoint."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.errors import ServiceRefused
from trimtab.ledger.lineage_graph import Lineage, LineageEdge, LineageNode

DEPLOYMENT = "TrimtabDeployment"
"""Type of the actions. What SageMaker itself notes of an endpoint is of other types, and names no endpoint config."""
PACKAGE, CONTRIBUTED = "ModelPackage", "ContributedTo"


@dataclass(frozen=True)
class Deployment:
    """One beginning: the same config that serves once more later is another one."""

    champion: Mapping[str, Any]
    """As the ledger keeps it."""
    endpoint: str
    by: str
    """Id of the promotion or rollback."""

    @property
    def name(self) -> str:
        """Of the action: the endpoint config, and what tells its beginnings apart."""
        return f"{self.champion['config']}-{hashlib.sha256(self.by.encode()).hexdigest()[:8]}"

    def graph(self) -> tuple[list[LineageNode], list[LineageEdge]]:
        """The package is the artifact that its registration has noted, found again by its ARN."""
        arn, version = str(self.champion["package_arn"]), str(self.champion["version"])
        run = self.champion.get("run") or f"version-{version}"
        package = LineageNode("Artifact", f"{run}-package", PACKAGE, arn, {"version": version})
        properties = {"version": version, "config": str(self.champion["config"]), "by": self.by}
        action = LineageNode("Action", self.name, DEPLOYMENT, endpoint_arn(arn, self.endpoint), properties)
        return [package, action], [LineageEdge(package.name, action.name, CONTRIBUTED)]

    def note(self, lineage: Lineage) -> dict[str, str]:
        """Lineage knows of it, once however often it is told; or the reason why not, which no rollout fails of."""
        try:
            return {"action": lineage.record(*self.graph())[self.name]}
        except ServiceRefused as refused:
            return {"error": str(refused)[:500]}


def endpoint_arn(package_arn: str, endpoint: str) -> str:
    """The endpoint is in the package's account and region."""
    return f"{package_arn.rpartition(':')[0]}:endpoint/{endpoint}"


def config_of(action: str) -> str:
    """The endpoint config that a deployment of this name has put into production."""
    return action.rpartition("-")[0]
