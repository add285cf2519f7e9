"""The function that registers candidates, and what it may write down about them."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.names import RECORDS


def register_candidate(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Digests artifact, code and data, signs the record, and puts the package into the registry."""
    function = parts.function(scope, "register_candidate", timeout_s=300)
    parts.artifacts.grant_read(function.role, "runs", "datasets", RECORDS)
    parts.artifacts.grant_write(function.role, RECORDS)
    parts.artifacts.grant_list(function.role)
    parts.allow_registry(
        function,
        "sagemaker:CreateModelPackage",
        "sagemaker:DescribeModelPackage",
        "sagemaker:ListModelPackages",
    )
    function.allow(parts.signing_statement("kms:Sign"))
    _allow(function, parts.bundle.object_arn, "s3:GetObject", "s3:GetObjectVersion")
    parts.notifications.grant_publish(function.role)
    _allow_jobs(function, parts)
    _allow_cards(function, parts)
    parts.allow_lineage(function)
    return function


def _allow_jobs(function: RuntimeFunction, parts: ModelParts) -> None:
    """What the run's jobs were asked to do, and which bytes the image's tag stands for."""
    prefix = parts.names.prefix
    _allow(function, arn("sagemaker", f"training-job/{prefix}-*"), "sagemaker:DescribeTrainingJob")
    _allow(function, arn("sagemaker", f"processing-job/{prefix}-*"), "sagemaker:DescribeProcessingJob")
    _allow(function, parts.image.repository_arn, "ecr:BatchGetImage")


def _allow_cards(function: RuntimeFunction, parts: ModelParts) -> None:
    """Cards are named after runs and encrypted with the key of the artifacts."""
    making = ("sagemaker:CreateModelCard", "sagemaker:DescribeModelCard", "sagemaker:AddTags")
    _allow(function, arn("sagemaker", f"model-card/{parts.names.prefix}-*"), *making)
    parts.artifacts.owner.key.grant(function.role, "sagemaker", "kms:GenerateDataKey", "kms:Decrypt", "kms:DescribeKey")
    parts.artifacts.owner.key.grant_volumes(function.role)


def _allow(function: RuntimeFunction, resource: str, *actions: str) -> None:
    function.allow(iam.PolicyStatement(actions=list(actions), resources=[resource]))
