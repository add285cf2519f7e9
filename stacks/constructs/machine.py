"""A Standard state machine with its log, its trace and a role that may do what its tasks do."""

from collections.abc import Iterable, Sequence
from functools import cached_property

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from stacks.arns import arn
from stacks.asl import Callee, Json
from stacks.constructs.data_key import DataKey
from stacks.constructs.execution_role import own_service
from stacks.stage import Stage
from trimtab.contracts import EVENT_SOURCE

APPROVING = ("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage")


class Machine(Construct):
    """Owns a state machine, its role and its log group. No state but running executions.

    It has a physical name: the role's trust and its use of the key are limited to this machine's ARN, which has to be
    known before the machine exists.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        definition: Json,
        invokes: Iterable[Callee],
        key: DataKey,
        stage: Stage,
    ) -> None:
        super().__init__(scope, id)
        log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=key.key,
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        trusted = own_service("states.amazonaws.com", arn("states", f"stateMachine:{name}"))
        self.role = iam.Role(self, "Role", assumed_by=trusted)
        self.role.add_to_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[callee.arn for callee in invokes])
        )
        self.role.add_to_policy(never_approve())
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=name,
            definition_body=sfn.DefinitionBody.from_string(Stack.of(self).to_json_string(definition)),
            state_machine_type=sfn.StateMachineType.STANDARD,
            role=self.role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=False),
            tracing_enabled=True,
            encryption_configuration=sfn.CustomerManagedEncryptionConfiguration(key.key),
        )

    @cached_property
    def arn(self) -> str:
        return self.machine.state_machine_arn

    def allow(self, *statements: iam.PolicyStatement) -> None:
        for statement in statements:
            self.role.add_to_policy(statement)


def never_approve() -> iam.PolicyStatement:
    """Approving a model is a person's act: no machine may do it, whatever else it is allowed."""
    return iam.PolicyStatement(
        effect=iam.Effect.DENY,
        actions=list(APPROVING),
        resources=["*"],
        conditions={"StringEquals": {"sagemaker:ModelApprovalStatus": "Approved"}},
    )


def may_announce(*detail_types: str) -> iam.PolicyStatement:
    """Trimtab's own events of these types may be put on the default bus."""
    return iam.PolicyStatement(
        actions=["events:PutEvents"],
        resources=[arn("events", "event-bus/default")],
        conditions={"StringEquals": {"events:source": EVENT_SOURCE, "events:detail-type": list(detail_types)}},
    )


def may_run_jobs(kind: str, segment: str, names: str) -> tuple[iam.PolicyStatement, ...]:
    """SageMaker jobs of the ``kind`` with such names may be started, watched and stopped."""
    actions = [f"sagemaker:{verb}{kind}" for verb in ("Create", "Describe", "Stop")]
    watched_as = "TuningJobs" if kind == "HyperParameterTuningJob" else f"{kind}s"
    rule = arn("events", f"rule/StepFunctionsGetEventsForSageMaker{watched_as}Rule")
    return (
        iam.PolicyStatement(
            actions=[*actions, "sagemaker:AddTags", "sagemaker:ListTags"],
            resources=[arn("sagemaker", f"{segment}/{names}")],
        ),
        iam.PolicyStatement(actions=["events:PutRule", "events:PutTargets", "events:DescribeRule"], resources=[rule]),
    )


def may_spread(name: str, labels: Sequence[str], key: DataKey) -> tuple[iam.PolicyStatement, ...]:
    """The machine ``name`` may run, watch, stop and redrive the children of its Distributed Maps ``labels``.

    Whether AWS asks for the key of an encrypted machine under its own ARN or the label's is written nowhere: both may.
    """
    machine = arn("states", f"stateMachine:{name}")
    children = [arn("states", f"execution:{name}{label}:*") for label in ("", *(f"/{label}" for label in labels))]
    contexts = [f"{machine}/{label}" for label in labels]
    watching = ["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"]
    return (
        iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]),
        iam.PolicyStatement(actions=watching, resources=children),
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=[key.arn],
            conditions={"StringEquals": {"kms:EncryptionContext:aws:states:stateMachineArn": contexts}},
        ),
    )
