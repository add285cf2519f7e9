"""The role under which SageMaker runs a model's jobs and endpoints."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import ACCOUNT, arn
from stacks.constructs.data_bucket import BucketFolder
from stacks.constructs.data_key import Condition
from stacks.constructs.framework_image import ContainerImage
from stacks.constructs.job_kit import JobKit
from stacks.constructs.source_bundle import SourceBundle

SAGEMAKER = "sagemaker.amazonaws.com"
_NAMESPACES = ["/aws/sagemaker/*", "aws/sagemaker/*", "AWS/SageMaker"]


class ExecutionRole(Construct):
    """Owns one role. Jobs read datasets and code and write runs; endpoints read models and write captures. No state."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self.role = iam.Role(self, "Role", assumed_by=own_service(SAGEMAKER, arn("sagemaker", "*")))
        self._allow_telemetry()

    @cached_property
    def arn(self) -> str:
        return self.role.role_arn

    def grant_pass(self, grantee: iam.Role) -> None:
        """``grantee`` may hand the role to SageMaker, and to nobody else."""
        grantee.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.arn],
                conditions={"StringEquals": {"iam:PassedToService": SAGEMAKER}},
            )
        )

    def use_data(self, artifacts: BucketFolder, captures: BucketFolder) -> None:
        """Jobs and endpoints may work with the model's folders and encrypt their volumes."""
        artifacts.grant_read(self.role)
        artifacts.grant_list(self.role)
        artifacts.grant_write(self.role, "runs")
        artifacts.owner.key.grant_volumes(self.role)
        captures.grant_write(self.role, "capture")
        captures.grant_list(self.role)

    def use_code(self, bundle: SourceBundle, kit: JobKit, image: ContainerImage) -> None:
        """Jobs may read the source bundle and the job kit, and pull the framework's image."""
        self._allow(["s3:GetObject"], [bundle.object_arn, kit.object_arn])
        prefixes = [f"{asset.file_name}*" for asset in (bundle, kit)]
        # SageMaker lists a channel's prefix before it reads it.
        self._allow(["s3:ListBucket"], [bundle.bucket_arn], {"StringLike": {"s3:prefix": prefixes}})
        self._allow(["ecr:GetAuthorizationToken"], ["*"])
        pulling = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        self._allow(pulling, [image.repository_arn])

    def _allow_telemetry(self) -> None:
        writing = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        self._allow(writing, [arn("logs", "log-group:/aws/sagemaker/*")])
        own_namespaces = {"StringLike": {"cloudwatch:namespace": _NAMESPACES}}
        self._allow(["cloudwatch:PutMetricData"], ["*"], own_namespaces)
        # SageMaker reads the rollback alarms of a rollout under this role.
        self._allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", "alarm:*")])

    def _allow(self, actions: Sequence[str], resources: Sequence[str], conditions: Condition | None = None) -> None:
        statement = iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        self.role.add_to_policy(statement)


def own_service(service: str, source_arn: str) -> iam.IPrincipal:
    """The AWS service ``service``, acting for ``source_arn`` of this account and for nobody else's."""
    return iam.PrincipalWithConditions(
        iam.ServicePrincipal(service),
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": source_arn}},
    )
