"""Production's instances follow its requests."""

from aws_cdk import aws_events as events
from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.serving_rights import may_scale
from stacks.constructs.triggers import Call


class EndpointScaling(Construct):
    """Owns the function ``scale_endpoint`` and the rule that calls it. No state.

    The endpoint is made at run time, so its scaling is registered when it comes into service: after a rollout, a
    rollback or a night alike.
    """

    def __init__(self, scope: Construct, id: str, *, parts: ModelParts, dead_letters: DeadLetters) -> None:
        super().__init__(scope, id)
        function = parts.function(self, "scale_endpoint")
        may_scale(function, parts)
        pattern = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Endpoint State Change"],
            detail={"EndpointName": [parts.names.endpoint], "EndpointStatus": ["IN_SERVICE"]},
        )
        told = {"model": parts.spec.name, "at": "$.time"}
        Call(self, "InService", function=function, pattern=pattern, inputs=told, dead_letters=dead_letters)
