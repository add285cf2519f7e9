"""What the functions and machines of one model are given to work with."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.arns import arn
from stacks.constructs.data_bucket import BucketFolder
from stacks.constructs.data_key import DataKey
from stacks.constructs.execution_role import ExecutionRole
from stacks.constructs.framework_image import ContainerImage
from stacks.constructs.job_kit import JobKit
from stacks.constructs.ledger_table import LedgerTable
from stacks.constructs.machine import never_approve
from stacks.constructs.notifications import Notifications
from stacks.constructs.runtime_function import FunctionDefaults, RuntimeFunction
from stacks.constructs.source_bundle import SourceBundle
from stacks.stage import Stage
from trimtab.names import ModelNames
from trimtab.spec import Spec

_CHANGING = ("sagemaker:CreateEndpoint", "sagemaker:UpdateEndpoint")


@dataclass(frozen=True)
class ModelParts:
    """One model in one stage: its folders, its names, and the things it shares with others."""

    stage: Stage
    spec: Spec
    names: ModelNames
    drops: BucketFolder
    artifacts: BucketFolder
    temporary: BucketFolder
    """What expires in the artifacts bucket."""
    captures: BucketFolder
    ledger: LedgerTable
    signing_key: kms.IKey
    notifications: Notifications
    operations_key: DataKey
    record_failure: RuntimeFunction
    execution_role: ExecutionRole
    serverless_role: ExecutionRole
    """Of serverless containers: they cannot be isolated from the network, so they may read models and no data."""
    bundle: SourceBundle
    kit: JobKit
    image: ContainerImage
    defaults: FunctionDefaults

    def function(
        self, scope: Construct, verb_noun: str, *, columnar: bool = False, timeout_s: int = 60
    ) -> RuntimeFunction:
        """A function that keeps the model's ledger; everything else is granted by the caller."""
        made = RuntimeFunction(scope, verb_noun, defaults=self.defaults, columnar=columnar, timeout_s=timeout_s)
        self.ledger.grant_append(made.role, self.spec.name)
        return made

    def allow_registry(self, function: RuntimeFunction, *actions: str) -> None:
        """``function`` may do ``actions`` on the model's package group and its packages, and never approve."""
        group = self.names.package_group
        resources = [
            arn("sagemaker", f"model-package-group/{group}"),
            arn("sagemaker", f"model-package/{group}/*"),
        ]
        function.allow(_statement(actions, resources), never_approve())

    def allow_serving(self, function: RuntimeFunction, *actions: str) -> None:
        """``function`` may do ``actions`` on SageMaker models and endpoint configs of the model's versions."""
        versions = f"{self.names.prefix}-v*"
        kinds = {"Model": "model", "EndpointConfig": "endpoint-config"}
        for ending, kind in kinds.items():
            matching = [action for action in actions if action.endswith(ending)]
            if matching:
                function.allow(_statement(matching, [arn("sagemaker", f"{kind}/{versions}")]))

    def allow_endpoint(self, grantee: iam.Role, endpoint: str, *actions: str) -> None:
        """``grantee`` may do ``actions`` on ``endpoint``; changing it also needs its configs and the volume key."""
        grantee.add_to_policy(_statement(actions, [arn("sagemaker", f"endpoint/{endpoint}")]))
        changing = [action for action in actions if action in _CHANGING]
        if changing:
            configs = arn("sagemaker", f"endpoint-config/{self.names.prefix}-v*")
            grantee.add_to_policy(_statement(changing, [configs]))
            self.artifacts.owner.key.grant_volumes(grantee)

    def allow_alarms(self, function: RuntimeFunction, *actions: str) -> None:
        """``function`` may look for alarms, and do ``actions`` on the rollback alarms of the model's versions."""
        function.allow(_statement(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", "alarm:*")]))
        if actions:
            function.allow(_statement(actions, [arn("cloudwatch", f"alarm:{self.names.prefix}-v*")]))

    def allow_lineage(self, function: RuntimeFunction) -> None:
        """``function`` may note what came of what. Runs and endpoint configs name the actions; SageMaker, artifacts."""
        artifacts, actions = arn("sagemaker", "artifact/*"), arn("sagemaker", f"action/{self.names.prefix}-*")
        making = ["sagemaker:CreateAction", "sagemaker:DescribeAction", "sagemaker:AddAssociation"]
        function.allow(
            _statement(["sagemaker:ListArtifacts"], ["*"]),
            _statement(["sagemaker:CreateArtifact", "sagemaker:AddAssociation"], [artifacts]),
            _statement(making, [actions]),
        )

    def signing_statement(self, action: str) -> iam.PolicyStatement:
        """``action`` with the key that signs packages."""
        return _statement([action], [self.signing_key.key_arn])

    def reading_the_trail(self) -> iam.PolicyStatement:
        """Who called which API in the last 90 days."""
        return _statement(["cloudtrail:LookupEvents"], ["*"])

    def allow_models(self, function: RuntimeFunction, *, serverless: bool) -> None:
        """``function`` may make SageMaker models and endpoint configs of the model's versions."""
        self.allow_serving(function, "sagemaker:CreateModel", "sagemaker:CreateEndpointConfig")
        role = self.serverless_role if serverless else self.execution_role
        role.grant_pass(function.role)

    def reading_metric_data(self) -> iam.PolicyStatement:
        """Of any number of metrics by one call; CloudWatch knows no resource for it."""
        return _statement(["cloudwatch:GetMetricData"], ["*"])

    def reading_metrics(self) -> iam.PolicyStatement:
        return _statement(["cloudwatch:GetMetricStatistics"], ["*"])


def _statement(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
