"""What a function needs to prove that production answers and to keep its scaling, by the kind of endpoint."""

from aws_cdk import aws_iam as iam

from stacks.arns import ACCOUNT, PARTITION, arn
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from trimtab.names import ASYNC, wake_alarm

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_ROLE = f"role/aws-service-role/{_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


def may_prove(function: RuntimeFunction, parts: ModelParts) -> None:
    """``function`` may ask production once; an asynchronous endpoint by a request that lies in S3."""
    if parts.spec.rollout.endpoint.kind != "async":
        parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:InvokeEndpoint")
        return
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:InvokeEndpointAsync")
    parts.captures.grant_write(function.role, ASYNC)
    parts.captures.grant_read(function.role, ASYNC)
    parts.captures.grant_list(function.role)


def may_scale(function: RuntimeFunction, parts: ModelParts) -> None:
    """``function`` may register how production is scaled."""
    endpoint = parts.names.endpoint
    # Application Auto Scaling asks for the caller's own right to what it will do.
    parts.allow_endpoint(
        function.role, endpoint, "sagemaker:DescribeEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities"
    )
    function.allow(
        iam.PolicyStatement(
            actions=["application-autoscaling:RegisterScalableTarget", "application-autoscaling:PutScalingPolicy"],
            resources=[arn("application-autoscaling", "scalable-target/*")],
            conditions={"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
        ),
        iam.PolicyStatement(
            actions=["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"],
            resources=[arn("cloudwatch", f"alarm:TargetTracking-endpoint/{endpoint}/*")],
        ),
        iam.PolicyStatement(
            actions=["iam:CreateServiceLinkedRole"],
            resources=[f"arn:{PARTITION}:iam::{ACCOUNT}:{_ROLE}"],
            conditions={"StringEquals": {"iam:AWSServiceName": _SERVICE}},
        ),
    )
    if _may_have_none(parts):
        alarm = arn("cloudwatch", f"alarm:{wake_alarm(endpoint)}")
        function.allow(iam.PolicyStatement(actions=["cloudwatch:PutMetricAlarm"], resources=[alarm]))


def _may_have_none(parts: ModelParts) -> bool:
    """Whether there may be a time without any instance."""
    scaling = parts.spec.rollout.endpoint.autoscaling
    return scaling is not None and scaling.to_zero and not parts.stage.protected


def may_look_after_scaling(function: RuntimeFunction, parts: ModelParts) -> None:
    """``function`` may see how production is scaled, and register it again; nothing where nothing scales."""
    if not parts.spec.rollout.endpoint.autoscaling:
        return
    may_scale(function, parts)
    reading = ["application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies"]
    function.allow(iam.PolicyStatement(actions=reading, resources=["*"]))
    if _may_have_none(parts):
        parts.allow_alarms(function)
