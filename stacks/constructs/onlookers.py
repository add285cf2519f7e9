"""What people need to watch production of one model, and to bring an earlier version back: two policies to attach."""

from collections.abc import Mapping, Sequence

from aws_cdk import CfnOutput
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import REGION, URL_SUFFIX, arn
from stacks.constructs.data_key import DataKey
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from trimtab.names import model_stack_name, stack_name

_PAGES = ("rollouts",)
"""Folders of the artifacts that tell of rollouts; data and models lie in others."""


class Onlookers(Construct):
    """Owns the managed policies Reader and Rollback of a model. No state.

    A reader sees what serves, how a rollout goes and what the ledger says, and changes nothing. Who may roll back may
    besides start the rollback machine, which does what it does in its own name: production itself they may not touch.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, rollback: Machine) -> None:
        super().__init__(scope, id)
        self._parts = parts
        self._policy("Reader", "Watches rollouts and production", [])
        self._policy("Rollback", "Brings earlier versions back", self._starting(rollback))

    def _policy(self, id: str, does: str, more: Sequence[iam.PolicyStatement]) -> None:
        policy = iam.ManagedPolicy(
            self,
            id,
            description=f"{does} of the model {self._parts.spec.name} in stage {self._parts.stage.name}",
            statements=[*self._production(), *self._told(), *more],
        )
        CfnOutput(self, f"{id}Policy", value=policy.managed_policy_arn)

    def _production(self) -> list[iam.PolicyStatement]:
        """Stacks, endpoint, versions and metrics, as they are now."""
        names, stage = self._parts.names, self._parts.stage.name
        stacks = [stack_name(stage, "data"), model_stack_name(stage, names.model)]
        group = names.package_group
        versions = [arn("sagemaker", f"model-package-group/{group}"), arn("sagemaker", f"model-package/{group}/*")]
        return [
            _allow(["cloudformation:DescribeStacks"], [arn("cloudformation", f"stack/{name}/*") for name in stacks]),
            _allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", f"endpoint/{names.endpoint}")]),
            _allow(["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"], versions),
            _allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", "alarm:*")]),
            self._parts.reading_metric_data(),
        ]

    def _told(self) -> list[iam.PolicyStatement]:
        """The model's rows of the ledger, and the pages of its rollouts."""
        ledger, folder = self._parts.ledger, self._parts.artifacts
        bucket = folder.owner
        pages = [f"{folder.name}/{page}/*" for page in _PAGES]
        return [
            _allow(["dynamodb:GetItem", "dynamodb:Query"], ledger.readable, ledger.own_rows(folder.name)),
            _through("dynamodb", ledger.key),
            _allow(["s3:GetObject"], [f"{bucket.arn}/{page}" for page in pages]),
            _allow(["s3:ListBucket"], [bucket.arn], {"StringLikeIfExists": {"s3:prefix": pages}}),
            _through("s3", bucket.key),
        ]

    def _starting(self, rollback: Machine) -> list[iam.PolicyStatement]:
        """The machine, and how its executions go; their data stay encrypted."""
        name = self._parts.names.machine("rollback")
        return [
            _allow(["states:StartExecution"], [rollback.arn]),
            _allow(["states:DescribeExecution"], [arn("states", f"execution:{name}:*")]),
        ]


def _allow(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def _through(service: str, key: DataKey) -> iam.PolicyStatement:
    """Decryption of what the service gives."""
    via = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.{URL_SUFFIX}"}}
    return iam.PolicyStatement(actions=["kms:Decrypt"], resources=[key.arn], conditions=via)
