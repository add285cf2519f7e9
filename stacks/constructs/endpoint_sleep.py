"""Production's endpoint of a stage that is not production sleeps at night."""

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.model_parts import ModelParts
from trimtab.spec.endpoint import SleepSpec


class EndpointSleep(Construct):
    """Owns the function ``rest_endpoint`` and the two rules that call it. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, sleep: SleepSpec, dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        function = parts.function(self, "rest_endpoint")
        parts.allow_endpoint(
            function.role,
            parts.names.endpoint,
            "sagemaker:DescribeEndpoint",
            "sagemaker:DeleteEndpoint",
            "sagemaker:CreateEndpoint",
        )
        for act, expression in (("sleep", sleep.at), ("wake", sleep.wake_at)):
            told = {"model": parts.spec.name, "at": events.EventField.from_path("$.time"), "act": act}
            target = targets.LambdaFunction(
                function.function,
                event=events.RuleTargetInput.from_object(told),
                dead_letter_queue=dead_letters.queue,
                retry_attempts=24,
            )
            events.Rule(self, act.capitalize(), schedule=events.Schedule.expression(expression), targets=[target])
