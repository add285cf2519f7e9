"""The function that approves by rule, which exists only where the spec has one, and all that its role may do."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction

_SKIP = "sagemaker:CustomerMetadataProperties/trimtab-skip"
_SUBMITTER = "sagemaker:CustomerMetadataProperties/submitted-by"


def approve_candidate(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads the evaluation and turns a version of this model to Approved, nothing else: the one machine that may.

    Every other role is denied that status, whatever else it is given; this one can neither register nor deploy.
    """
    function = parts.function(scope, "approve_candidate")
    parts.artifacts.grant_read(function.role, "runs")
    parts.notifications.grant_publish(function.role)
    versions = arn("sagemaker", f"model-package/{parts.names.package_group}/*")
    function.allow(
        iam.PolicyStatement(actions=["sagemaker:DescribeModelPackage"], resources=[versions]),
        iam.PolicyStatement(
            actions=["sagemaker:UpdateModelPackage"],
            resources=[versions],
            conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
        ),
        _never("sagemaker:UpdateModelPackage", {"Null": {_SKIP: "false"}}),
        _never("sagemaker:UpdateModelPackage", {"Null": {_SUBMITTER: "false"}}),
        _never("sagemaker:CreateModelPackage", {}),
    )
    return function


def _never(action: str, when: dict[str, dict[str, str]]) -> iam.PolicyStatement:
    return iam.PolicyStatement(effect=iam.Effect.DENY, actions=[action], resources=["*"], conditions=when)
