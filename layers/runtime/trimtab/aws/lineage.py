"""SageMaker's lineage behind the Lineage port."""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from trimtab.aws.session import client
from trimtab.errors import ServiceRefused
from trimtab.ledger.lineage_graph import LineageEdge, LineageNode


class SageMakerLineage:
    """Artifacts, actions and their associations."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    @classmethod
    def connect(cls) -> "SageMakerLineage":
        """With this process's client."""
        return cls(client("sagemaker"))

    def record(self, nodes: Iterable[LineageNode], edges: Iterable[LineageEdge]) -> dict[str, str]:
        """Adding an association that exists changes nothing. Raises ServiceRefused."""
        try:
            return self._record(nodes, edges)
        except ClientError as error:
            raise ServiceRefused(f"SageMaker keeps no lineage: {error}") from error

    def _record(self, nodes: Iterable[LineageNode], edges: Iterable[LineageEdge]) -> dict[str, str]:
        arns = {node.name: self._action(node) if node.kind == "Action" else self._artifact(node) for node in nodes}
        for edge in edges:
            self._sagemaker.add_association(
                SourceArn=arns[edge.source], DestinationArn=arns[edge.target], AssociationType=edge.kind
            )
        return arns

    def _artifact(self, node: LineageNode) -> str:
        """Artifacts have no names of their own: one of the same source and type is the same."""
        listed = self._sagemaker.list_artifacts(SourceUri=node.source, ArtifactType=node.type)["ArtifactSummaries"]
        if listed:
            return str(listed[0]["ArtifactArn"])
        made = self._sagemaker.create_artifact(
            ArtifactName=node.name,
            Source={"SourceUri": node.source},
            ArtifactType=node.type,
            Properties=dict(node.properties),
        )
        return str(made["ArtifactArn"])

    def _action(self, node: LineageNode) -> str:
        try:
            made = self._sagemaker.create_action(
                ActionName=node.name,
                Source={"SourceUri": node.source},
                ActionType=node.type,
                Status="Completed",
                Properties=dict(node.properties),
            )
        except ClientError as error:
            if "already exists" not in str(error):
                raise
            made = self._sagemaker.describe_action(ActionName=node.name)
        return str(made["ActionArn"])
