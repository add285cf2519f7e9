"""What starts a model's machines, and functions beside them: rules on events, and a schedule."""

from collections.abc import Iterable, Mapping

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.dead_letters import DeadLetters
from stacks.constructs.execution_role import own_service
from stacks.constructs.machine import Machine
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.stage import Stage

_ATTEMPTS = 24
_MAX_AGE = Duration.hours(6)


class Trigger(Construct):
    """Owns a rule that starts ``machine`` for matching events, and the rule's role. No state.

    ``inputs`` is the execution's input: a value that starts with ``$.`` is taken from the event.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        machine: Machine,
        pattern: events.EventPattern,
        inputs: Mapping[str, str],
        dead_letters: DeadLetters,
        stage: Stage,
    ) -> None:
        super().__init__(scope, id)
        trusted = own_service("events.amazonaws.com", arn("events", f"rule/trimtab-{stage.name}-*"))
        role = _starting_role(self, machine, trusted)
        target = targets.SfnStateMachine(
            machine.machine,
            input=events.RuleTargetInput.from_object({name: _taken(value) for name, value in inputs.items()}),
            role=role,
            dead_letter_queue=dead_letters.queue,
            retry_attempts=_ATTEMPTS,
            max_event_age=_MAX_AGE,
        )
        events.Rule(self, "Rule", event_pattern=pattern, targets=[target])


class Call(Construct):
    """Owns a rule that calls ``function`` for matching events. No state.

    ``inputs`` is the function's event: a value that starts with ``$.`` is taken from EventBridge's. What cannot be
    delivered, or fails for good, is kept.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        function: RuntimeFunction,
        pattern: events.EventPattern,
        inputs: Mapping[str, str],
        dead_letters: DeadLetters,
    ) -> None:
        super().__init__(scope, id)
        dead_letters.grant_send(function.role)
        # CDK's own destination would grant wildcard actions on the key.
        kept = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
            on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=dead_letters.queue.queue_arn)
        )
        lambda_.CfnEventInvokeConfig(
            self,
            "Retries",
            function_name=function.function.function_name,
            qualifier="$LATEST",
            destination_config=kept,
            maximum_retry_attempts=2,
        )
        target = targets.LambdaFunction(
            function.function,
            event=events.RuleTargetInput.from_object({name: _taken(value) for name, value in inputs.items()}),
            dead_letter_queue=dead_letters.queue,
            retry_attempts=_ATTEMPTS,
        )
        events.Rule(self, "Rule", event_pattern=pattern, targets=[target])


def ended(machines: Iterable[Machine], *statuses: str) -> events.EventPattern:
    """Executions of ``machines`` that ended in one of ``statuses``."""
    return events.EventPattern(
        source=["aws.states"],
        detail_type=["Step Functions Execution Status Change"],
        detail={"stateMachineArn": [machine.arn for machine in machines], "status": list(statuses)},
    )


class Schedule(Construct):
    """Owns a schedule that starts ``machine``, its group and its role. No state."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        machine: Machine,
        expression: str,
        inputs: str,
        dead_letters: DeadLetters,
    ) -> None:
        super().__init__(scope, id)
        group = scheduler.CfnScheduleGroup(self, "Group")
        role = _starting_role(self, machine, own_service("scheduler.amazonaws.com", group.attr_arn))
        dead_letters.grant_send(role)
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            group_name=group.ref,
            schedule_expression=expression,
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=machine.arn,
                role_arn=role.role_arn,
                input=inputs,
                dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue.queue_arn),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=_ATTEMPTS, maximum_event_age_in_seconds=_MAX_AGE.to_seconds()
                ),
            ),
        )
        schedule.node.add_dependency(role)


def _starting_role(scope: Construct, machine: Machine, trusted: iam.IPrincipal) -> iam.Role:
    role = iam.Role(scope, "Role", assumed_by=trusted)
    role.add_to_policy(iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine.arn]))
    return role


def _taken(value: str) -> str:
    return events.EventField.from_path(value) if value.startswith("$.") else value
