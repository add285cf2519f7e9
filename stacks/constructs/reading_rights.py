"""What people need to see of one model, as statements for policies: each reads, and changes nothing."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam

from stacks.arns import REGION, URL_SUFFIX, arn
from stacks.constructs.data_key import DataKey
from stacks.constructs.model_parts import ModelParts
from trimtab.names import model_stack_name, stack_name

_PAGES = ("rollouts",)
"""Folders of the artifacts that tell of rollouts; data and models lie in others."""


def watching(parts: ModelParts) -> list[iam.PolicyStatement]:
    """What serves, how a rollout goes, and what the ledger says."""
    return [finding(parts), *_production(parts), *reading_ledger(parts), *_pages(parts)]


def finding(parts: ModelParts) -> iam.PolicyStatement:
    """Outputs of the stacks: where everything is."""
    stage = parts.stage.name
    stacks = [stack_name(stage, "data"), model_stack_name(stage, parts.names.model)]
    return allow(["cloudformation:DescribeStacks"], [arn("cloudformation", f"stack/{name}/*") for name in stacks])


def reading_ledger(parts: ModelParts) -> list[iam.PolicyStatement]:
    """The model's rows."""
    ledger = parts.ledger
    rows = allow(["dynamodb:GetItem", "dynamodb:Query"], ledger.readable, ledger.own_rows(parts.artifacts.name))
    return [rows, through("dynamodb", ledger.key)]


def starting(parts: ModelParts, machine: str, machine_arn: str) -> list[iam.PolicyStatement]:
    """The machine called so may be started, and how its executions go be seen; their data stay encrypted."""
    return [
        allow(["states:StartExecution"], [machine_arn]),
        allow(["states:DescribeExecution"], [arn("states", f"execution:{parts.names.machine(machine)}:*")]),
    ]


def _production(parts: ModelParts) -> list[iam.PolicyStatement]:
    """Endpoint, versions and metrics, as they are now."""
    group = parts.names.package_group
    versions = [arn("sagemaker", f"model-package-group/{group}"), arn("sagemaker", f"model-package/{group}/*")]
    return [
        allow(["sagemaker:DescribeEndpoint"], [arn("sagemaker", f"endpoint/{parts.names.endpoint}")]),
        allow(["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"], versions),
        allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", "alarm:*")]),
        parts.reading_metric_data(),
    ]


def _pages(parts: ModelParts) -> list[iam.PolicyStatement]:
    folder, bucket = parts.artifacts, parts.artifacts.owner
    pages = [f"{folder.name}/{page}/*" for page in _PAGES]
    return [
        allow(["s3:GetObject"], [f"{bucket.arn}/{page}" for page in pages]),
        allow(["s3:ListBucket"], [bucket.arn], {"StringLikeIfExists": {"s3:prefix": pages}}),
        through("s3", bucket.key),
    ]


def allow(
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
) -> iam.PolicyStatement:
    """One statement."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)


def through(service: str, key: DataKey, *more: str) -> iam.PolicyStatement:
    """Decryption of what the service gives, and ``more`` with its key."""
    via = {"StringEquals": {"kms:ViaService": f"{service}.{REGION}.{URL_SUFFIX}"}}
    return iam.PolicyStatement(actions=["kms:Decrypt", *more], resources=[key.arn], conditions=via)
