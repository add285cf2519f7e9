"""A role under which SageMaker runs jobs."""

from collections.abc import Sequence
from functools import cached_property

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import ACCOUNT, arn
from stacks.constructs.data_key import Condition
from stacks.constructs.framework_image import ContainerImage
from stacks.constructs.job_archive import JobArchive

SAGEMAKER = "sagemaker.amazonaws.com"
_NAMESPACES = ["/aws/sagemaker/*", "aws/sagemaker/*", "AWS/SageMaker"]


class JobRole(Construct):
    """Owns one role, which may write logs and metrics of jobs. No state."""

    def __init__(self, scope: Construct, id: str, *, runs: str) -> None:
        """``runs`` says what of SageMaker's acts under it, for example ``processing-job/*``."""
        super().__init__(scope, id)
        self.role = iam.Role(self, "Role", assumed_by=own_service(SAGEMAKER, arn("sagemaker", runs)))
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

    def use_code(self, archives: Sequence[JobArchive], image: ContainerImage) -> None:
        """Jobs may read the archives, and pull the image."""
        self._allow(["s3:GetObject"], [archive.object_arn for archive in archives])
        prefixes = [f"{archive.file_name}*" for archive in archives]
        # SageMaker lists a channel's prefix before it reads it.
        self._allow(["s3:ListBucket"], [archives[0].bucket_arn], {"StringLike": {"s3:prefix": prefixes}})
        self.pull(image)

    def pull(self, image: ContainerImage) -> None:
        """The image may be pulled."""
        self._allow(["ecr:GetAuthorizationToken"], ["*"])
        pulling = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
        self._allow(pulling, [image.repository_arn])

    def _allow_telemetry(self) -> None:
        writing = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        self._allow(writing, [arn("logs", "log-group:/aws/sagemaker/*")])
        own_namespaces = {"StringLike": {"cloudwatch:namespace": _NAMESPACES}}
        self._allow(["cloudwatch:PutMetricData"], ["*"], own_namespaces)

    def _allow(self, actions: Sequence[str], resources: Sequence[str], conditions: Condition | None = None) -> None:
        statement = iam.PolicyStatement(actions=list(actions), resources=list(resources), conditions=conditions)
        self.role.add_to_policy(statement)


def own_service(service: str, source_arn: str) -> iam.IPrincipal:
    """The AWS service ``service``, acting for ``source_arn`` of this account and for nobody else's."""
    return iam.PrincipalWithConditions(
        iam.ServicePrincipal(service),
        {"StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": source_arn}},
    )
