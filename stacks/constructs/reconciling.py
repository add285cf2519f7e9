"""Production is compared with the ledger: on a schedule, and whenever it was changed or moved."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.machine import Machine
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.triggers import Call, ended

_SETTLED = ("IN_SERVICE", "FAILED", "OUT_OF_SERVICE", "UPDATE_ROLLBACK_FAILED", "DELETING", "DELETED")
"""Statuses of endpoint events after which there is something to compare; which of the last two come is unproven."""


class Reconciling(Construct):
    """Owns the function ``reconcile_serving`` and the rules that call it. No state."""

    def __init__(
        self, scope: Construct, id: str, *, parts: ModelParts, movers: list[Machine], dead_letters: DeadLetters
    ) -> None:
        super().__init__(scope, id)
        self.function = _reconcile_serving(self, parts)
        told = {"model": parts.spec.name, "at": "$.time"}
        changed = events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Endpoint State Change"],
            detail={"EndpointName": [parts.names.endpoint], "EndpointStatus": list(_SETTLED)},
        )
        Call(self, "Changed", function=self.function, pattern=changed, inputs=told, dead_letters=dead_letters)
        self._rule("Moved", told, dead_letters, pattern=ended(movers, "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"))
        self._rule("Now", told, dead_letters, schedule=events.Schedule.expression(parts.spec.rollout.after.reconcile))

    def _rule(
        self,
        id: str,
        told: dict[str, str],
        dead_letters: DeadLetters,
        *,
        pattern: events.EventPattern | None = None,
        schedule: events.Schedule | None = None,
    ) -> None:
        """One more way to the same function; a look that could not be delivered is made up for by the next one."""
        target = targets.LambdaFunction(
            self.function.function,
            event=events.RuleTargetInput.from_object({**told, "at": events.EventField.from_path("$.time")}),
            dead_letter_queue=dead_letters.queue,
            retry_attempts=2,
            max_event_age=Duration.hours(1),
        )
        events.Rule(self, id, event_pattern=pattern, schedule=schedule, targets=[target])


def _reconcile_serving(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Reads; tells people; changes nothing."""
    function = parts.function(scope, "reconcile_serving", timeout_s=120)
    parts.allow_registry(function, "sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages")
    for endpoint in (parts.names.endpoint, parts.names.staging_endpoint):
        parts.allow_endpoint(function.role, endpoint, "sagemaker:DescribeEndpoint")
    parts.allow_serving(function, "sagemaker:DescribeModel", "sagemaker:DescribeEndpointConfig")
    parts.notifications.grant_publish(function.role)
    keys = [parts.artifacts.owner.key.arn, parts.captures.owner.key.arn, parts.signing_key.key_arn]
    function.allow(
        iam.PolicyStatement(
            actions=["cloudwatch:DescribeAlarmsForMetric", "cloudwatch:DescribeAlarms"], resources=["*"]
        ),
        iam.PolicyStatement(actions=["kms:DescribeKey"], resources=keys),
        iam.PolicyStatement(actions=["sagemaker:ListActions"], resources=["*"]),
    )
    if parts.spec.rollout.endpoint.autoscaling:
        reading = ["application-autoscaling:DescribeScalableTargets"]
        function.allow(iam.PolicyStatement(actions=reading, resources=["*"]))
    return function
