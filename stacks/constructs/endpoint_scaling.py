"""Production's instances follow its requests."""

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import ACCOUNT, PARTITION, arn
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.triggers import Call

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"
_ROLE = f"role/aws-service-role/{_SERVICE}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"


class EndpointScaling(Construct):
    """Owns the function ``scale_endpoint`` and the rule that calls it. No state.

    The endpoint is made at run time, so its scaling is registered when it comes into service: after a rollout, a
    rollback or a night alike.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, dead_letters: DeadLetters) -> None:
        super().__init__(scope, id)
        function = parts.function(self, "scale_endpoint")
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
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Endpoint State Change"],
            detail={"EndpointName": [endpoint], "EndpointStatus": ["IN_SERVICE"]},
        )
        told = {"model": parts.spec.name, "at": "$.time"}
        Call(self, "InService", function=function, pattern=pattern, inputs=told, dead_letters=dead_letters)
