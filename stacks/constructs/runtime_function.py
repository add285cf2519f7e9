"""A Lambda function of Trimtab: one folder under functions/, one asset, one role."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.python_layer import ARCHITECTURES, RUNTIME, PythonLayer
from stacks.packaging import ROOT
from stacks.stage import Stage
from trimtab.contracts import Settings
from trimtab.telemetry import NAMESPACE

COLUMNAR_MEMORY_MB = 1769
"""The memory at which Lambda gives a function one whole processor."""

COLUMNAR_STORAGE_MB = 4096
"""A whole drop is written to /tmp before it is parsed."""


@dataclass(frozen=True)
class FunctionDefaults:
    """What the functions of one stack have in common."""

    stage: Stage
    settings: Mapping[str, str]
    """Values of :class:`trimtab.contracts.Settings` by field."""
    log_key: kms.IKey
    runtime: PythonLayer
    architecture: str
    columnar: PythonLayer | None = None
    spec: lambda_.ILayerVersion | None = None

    def environment(self, verb_noun: str) -> dict[str, str]:
        powertools = {
            "POWERTOOLS_SERVICE_NAME": verb_noun,
            "POWERTOOLS_METRICS_NAMESPACE": NAMESPACE,
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }
        return {Settings.variable(field): value for field, value in self.settings.items()} | powertools

    def layers(self, columnar: bool) -> list[lambda_.ILayerVersion]:
        heavy = [self.columnar.version] if columnar and self.columnar else []
        return [self.runtime.version, *heavy, *([self.spec] if self.spec else [])]


class RuntimeFunction(Construct):
    """Owns a function, its role and its log group. No state.

    The role may write its own log and trace; what else it may is granted where the function is declared. No reserved
    concurrency: a new account has ten in all, and intake must not starve because another function reserved them.
    """

    def __init__(
        self,
        scope: Construct,
        verb_noun: str,
        *,
        defaults: FunctionDefaults,
        columnar: bool = False,
        timeout_s: int = 60,
        memory_mb: int = 512,
    ) -> None:
        super().__init__(scope, camel_case(verb_noun))
        self.name, self.timeout_s = verb_noun, timeout_s
        log_group = logs.LogGroup(
            self,
            "Logs",
            encryption_key=defaults.log_key,
            retention=defaults.stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"Trimtab: {verb_noun}",
            code=lambda_.Code.from_asset(
                str(ROOT / "functions" / verb_noun), exclude=["**/__pycache__", "**/*.pyc", "**/.*"]
            ),
            handler="handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURES[defaults.architecture],
            layers=defaults.layers(columnar),
            environment=defaults.environment(verb_noun),
            log_group=log_group,
            ephemeral_storage_size=Size.mebibytes(COLUMNAR_STORAGE_MB if columnar else 512),
            memory_size=max(memory_mb, COLUMNAR_MEMORY_MB if columnar else 0),
            role=self.role,
            timeout=Duration.seconds(timeout_s),
            tracing=lambda_.Tracing.ACTIVE,
        )

    @cached_property
    def arn(self) -> str:
        return self.function.function_arn

    def allow(self, *statements: iam.PolicyStatement) -> None:
        for statement in statements:
            self.role.add_to_policy(statement)


def camel_case(verb_noun: str) -> str:
    """``claim_drop`` as ``ClaimDrop``."""
    return "".join(word.capitalize() for word in verb_noun.split("_"))
