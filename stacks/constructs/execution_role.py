"""The role under which SageMaker runs a model's jobs and endpoints."""

from constructs import Construct

from stacks.arns import arn
from stacks.constructs.data_bucket import BucketFolder
from stacks.constructs.framework_image import ContainerImage
from stacks.constructs.job_role import SAGEMAKER, JobRole, own_service

__all__ = ["SAGEMAKER", "ExecutionRole", "own_service"]


class ExecutionRole(JobRole):
    """Owns one role. Jobs read datasets and code and write runs; endpoints read models and write captures. No state."""

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id, runs="*")
        # SageMaker reads the rollback alarms of a rollout under this role.
        self._allow(["cloudwatch:DescribeAlarms"], [arn("cloudwatch", "alarm:*")])

    def use_data(self, artifacts: BucketFolder, captures: BucketFolder) -> None:
        """Jobs and endpoints may work with the model's folders and encrypt their volumes."""
        artifacts.grant_read(self.role)
        artifacts.grant_list(self.role)
        artifacts.grant_write(self.role, "runs")
        artifacts.owner.key.grant_volumes(self.role)
        captures.grant_write(self.role, "capture")
        captures.grant_list(self.role)

    def use_models(self, artifacts: BucketFolder, image: ContainerImage) -> None:
        """Containers may read models, and pull the image: nothing of the data."""
        artifacts.grant_read(self.role, "runs")
        self.pull(image)
