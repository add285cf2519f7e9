"""Approving by rule: the one adapter that turns a package to Approved. Only its function's role is allowed to."""

from functools import cached_property
from typing import Any

from trimtab.aws.session import client


class PackageSwitch:
    """The status of a package in SageMaker's registry."""

    def __init__(self, sagemaker: Any, sts: Any) -> None:
        self._sagemaker, self._sts = sagemaker, sts

    @classmethod
    def connect(cls) -> "PackageSwitch":
        """With this process's clients."""
        return cls(client("sagemaker"), client("sts"))

    @cached_property
    def identity(self) -> str:
        """ARN of the role's session, which CloudTrail names as the caller."""
        return str(self._sts.get_caller_identity()["Arn"])

    def approve(self, package_arn: str, reason: str) -> None:
        self._sagemaker.update_model_package(
            ModelPackageArn=package_arn, ModelApprovalStatus="Approved", ApprovalDescription=reason[:1024]
        )
