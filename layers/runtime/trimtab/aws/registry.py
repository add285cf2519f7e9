"""SageMaker Model Registry behind the ModelRegistry port."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from trimtab.aws.session import client
from trimtab.ports import NOTHING_ATTACHED, Attachments, Package

_TOKEN = "request-token"
_LOOK_BACK = 20
"""How many of a group's newest packages may lie between a request and its retry."""
_JSON_LINES = "application/jsonlines"


class SageMakerRegistry:
    """Model packages in SageMaker."""

    def __init__(self, sagemaker: Any) -> None:
        self._sagemaker = sagemaker

    @classmethod
    def connect(cls) -> "SageMakerRegistry":
        """With this process's client."""
        return cls(client("sagemaker"))

    def register(
        self,
        group: str,
        *,
        artifact_uri: str,
        image_uri: str,
        evaluation_uri: str,
        properties: Mapping[str, str],
        description: str,
        environment: Mapping[str, str],
        token: str,
        attachments: Attachments = NOTHING_ATTACHED,
    ) -> Package:
        """SageMaker forgets a ClientToken after a while, so the token is also kept as a property and looked for."""
        short = hashlib.sha256(token.encode()).hexdigest()[:36]
        for package in itertools.islice(self.packages(group), _LOOK_BACK):
            if package.properties.get(_TOKEN) == short:
                return package
        container = {"Image": image_uri, "ModelDataUrl": artifact_uri, "Environment": dict(environment)}
        made = self._sagemaker.create_model_package(
            ModelPackageGroupName=group,
            ModelPackageDescription=description[:1024],
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [container],
                "SupportedContentTypes": [_JSON_LINES],
                "SupportedResponseMIMETypes": [_JSON_LINES],
                **_instances(attachments),
            },
            ModelMetrics=_metrics(evaluation_uri, attachments),
            DriftCheckBaselines=_baselines(evaluation_uri, attachments),
            CustomerMetadataProperties={**properties, _TOKEN: short},
            ClientToken=short,
        )
        return self.describe(made["ModelPackageArn"])

    def describe(self, package_arn: str) -> Package:
        return _package(self._sagemaker.describe_model_package(ModelPackageName=package_arn))

    def packages(self, group: str) -> Iterator[Package]:
        pages = self._sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending"
        )
        for page in pages:
            newest_first = sorted(page["ModelPackageSummaryList"], key=lambda each: -each["ModelPackageVersion"])
            for summary in newest_first:
                yield self.describe(summary["ModelPackageArn"])

    def reject(self, package_arn: str, reason: str) -> None:
        self._turn(package_arn, "Rejected", reason)

    def reopen(self, package_arn: str, reason: str) -> None:
        self._turn(package_arn, "PendingManualApproval", reason)

    def _turn(self, package_arn: str, status: str, reason: str) -> None:
        self._sagemaker.update_model_package(
            ModelPackageArn=package_arn, ModelApprovalStatus=status, ApprovalDescription=reason[:1024]
        )


def _instances(attachments: Attachments) -> dict[str, list[str]]:
    types = list(attachments.instance_types)
    return {"SupportedRealtimeInferenceInstanceTypes": types} if types else {}


def _source(uri: str) -> dict[str, str]:
    return {"ContentType": "application/json", "S3Uri": uri}


def _metrics(evaluation_uri: str, attachments: Attachments) -> dict[str, Any]:
    """What was measured of the version itself."""
    found: dict[str, Any] = {"ModelQuality": {"Statistics": _source(evaluation_uri)}}
    if attachments.bias_uri:
        found["Bias"] = {"Report": _source(attachments.bias_uri)}
    if attachments.explainability_uri:
        found["Explainability"] = {"Report": _source(attachments.explainability_uri)}
    return found


def _baselines(evaluation_uri: str, attachments: Attachments) -> dict[str, Any]:
    """What later measurements are compared with."""
    found: dict[str, Any] = {"ModelQuality": {"Statistics": _source(evaluation_uri)}}
    if attachments.baseline_uri:
        found["ModelDataQuality"] = {"Statistics": _source(attachments.baseline_uri)}
    if attachments.bias_uri:
        found["Bias"] = {"PostTrainingConstraints": _source(attachments.bias_uri)}
    if attachments.explainability_uri:
        found["Explainability"] = {"Constraints": _source(attachments.explainability_uri)}
    return found


def _package(found: Mapping[str, Any]) -> Package:
    container = found["InferenceSpecification"]["Containers"][0]
    return Package(
        arn=found["ModelPackageArn"],
        group=found["ModelPackageGroupName"],
        version=int(found["ModelPackageVersion"]),
        status=found["ModelApprovalStatus"],
        artifact_uri=container["ModelDataUrl"],
        image_uri=container["Image"],
        properties=dict(found.get("CustomerMetadataProperties") or {}),
        created=found["CreationTime"],
        modified=found.get("LastModifiedTime"),
        approved_by=_person(found.get("LastModifiedBy")),
        description=found.get("ApprovalDescription") or found.get("ModelPackageDescription", ""),
    )


def _person(context: Mapping[str, Any] | None) -> str | None:
    """Who SageMaker says it was: an IAM identity's ARN, else a Studio user's name."""
    if not context:
        return None
    return context.get("IamIdentity", {}).get("Arn") or context.get("UserProfileName")
