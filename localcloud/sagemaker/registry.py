"""The model registry: package groups, package versions, approval and its events."""

from typing import Any

from localcloud.sagemaker import listing
from localcloud.sagemaker.callers import user_context
from localcloud.sagemaker.errors import ConflictError, ValidationError
from localcloud.sagemaker.events import emit_package
from localcloud.sagemaker.service import Operation, Record, Region, Request, public

_GROUP_SUMMARY = (
    "ModelPackageGroupName", "ModelPackageGroupArn", "ModelPackageGroupDescription", "CreationTime",
    "ModelPackageGroupStatus",
)  # fmt: skip
_PACKAGE_SUMMARY = (
    "ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn", "ModelPackageDescription",
    "CreationTime", "ModelPackageStatus", "ModelApprovalStatus", "ModelLifeCycle", "ModelPackageRegistrationType",
)  # fmt: skip
_REPLACED_BY_UPDATE = (
    "ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification", "SourceUri", "ModelCard",
    "ModelLifeCycle", "ModelPackageRegistrationType",
)  # fmt: skip
_NOT_KEPT = ("Tags", "ClientToken", "ValidationSpecification")


def create_group(region: Region, request: Request) -> dict[str, Any]:
    """The group exists and is Completed."""
    name = request["ModelPackageGroupName"]
    group_arn = region.arn("model-package-group", name)
    if name in region.package_groups:
        raise ValidationError(f"Model Package Group already exists: {group_arn}")
    region.package_groups[name] = {
        **{key: value for key, value in request.items() if key != "Tags"},
        "ModelPackageGroupArn": group_arn,
        "CreationTime": region.now(),
        "ModelPackageGroupStatus": "Completed",
    }
    region.set_tags(group_arn, request.get("Tags", []))
    return {"ModelPackageGroupArn": group_arn}


def describe_group(region: Region, request: Request) -> Record:
    """The group."""
    return public(_group(region, request["ModelPackageGroupName"]))


def delete_group(region: Region, request: Request) -> None:
    """The group is gone. Raises ConflictError while it has versions."""
    group = _group(region, request["ModelPackageGroupName"])
    name = group["ModelPackageGroupName"]
    if any(package.get("ModelPackageGroupName") == name for package in region.packages.values()):
        raise ConflictError(
            f"Model Package Group {group['ModelPackageGroupArn']} cannot be deleted: it contains model packages. "
            "Delete its model packages first."
        )
    del region.package_groups[name]
    region.tags.pop(group["ModelPackageGroupArn"], None)


def create_package(region: Region, request: Request) -> dict[str, Any]:
    """The package exists: a new version of its group, or one of its own name."""
    record = {key: value for key, value in request.items() if key not in _NOT_KEPT}
    if ("ModelPackageGroupName" in request) == ("ModelPackageName" in request):
        raise ValidationError("Exactly one of ModelPackageGroupName and ModelPackageName must be given.")
    identity = _next_version(region, request) if "ModelPackageGroupName" in request else _unversioned(region, request)
    now, caller = region.now(), user_context(region)
    record |= identity | {
        "CreationTime": now,
        "LastModifiedTime": now,
        "CreatedBy": caller,
        "LastModifiedBy": caller,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CertifyForMarketplace": request.get("CertifyForMarketplace", False),
    }
    region.packages[record["ModelPackageArn"]] = record
    region.set_tags(record["ModelPackageArn"], request.get("Tags", []))
    emit_package(region, public(record))
    return {"ModelPackageArn": record["ModelPackageArn"]}


def describe_package(region: Region, request: Request) -> Record:
    """The package, with everything that it was created or updated with."""
    return public(find_package(region, request["ModelPackageName"]))


def batch_describe_packages(region: Region, request: Request) -> dict[str, Any]:
    """A summary of each package by its ARN, and an error for each that does not exist."""
    summaries: dict[str, Record] = {}
    errors: dict[str, Record] = {}
    for arn in request["ModelPackageArnList"]:
        try:
            found = find_package(region, arn)
            summaries[arn] = {key: found[key] for key in (*_PACKAGE_SUMMARY, "InferenceSpecification") if key in found}
        except ValidationError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": str(error)}
    return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": errors}


def update_package(region: Region, request: Request) -> dict[str, Any]:
    """The package has the new members; an event tells it only when something changed."""
    package = find_package(region, request["ModelPackageArn"])
    changed = {key: request[key] for key in _REPLACED_BY_UPDATE if key in request}
    changed["CustomerMetadataProperties"] = _metadata(package, request)
    if "AdditionalInferenceSpecificationsToAdd" in request:
        known = package.get("AdditionalInferenceSpecifications", [])
        changed["AdditionalInferenceSpecifications"] = [*known, *request["AdditionalInferenceSpecificationsToAdd"]]
    if any(package.get(key) != value for key, value in changed.items() if value or key in package):
        package.update(changed, LastModifiedTime=region.now(), LastModifiedBy=user_context(region))
        emit_package(region, public(package))
    return {"ModelPackageArn": package["ModelPackageArn"]}


def delete_package(region: Region, request: Request) -> None:
    """The package is gone; its version number is not given again."""
    package = find_package(region, request["ModelPackageName"])
    del region.packages[package["ModelPackageArn"]]
    region.tags.pop(package["ModelPackageArn"], None)


def _next_version(region: Region, request: Request) -> Record:
    group = _group(region, request["ModelPackageGroupName"])
    name = group["ModelPackageGroupName"]
    version = region.package_versions.get(name, 0) + 1
    region.package_versions[name] = version
    return {
        "ModelPackageGroupName": name,
        "ModelPackageVersion": version,
        "ModelPackageArn": region.arn("model-package", f"{name}/{version}"),
        "ModelApprovalStatus": request.get("ModelApprovalStatus", "PendingManualApproval"),
    }


def _unversioned(region: Region, request: Request) -> Record:
    package_arn = region.arn("model-package", request["ModelPackageName"])
    if package_arn in region.packages:
        raise ConflictError(f"Model Package already exists: {package_arn}")
    return {"ModelPackageName": request["ModelPackageName"], "ModelPackageArn": package_arn}


def _metadata(package: Record, request: Request) -> dict[str, str]:
    removed = set(request.get("CustomerMetadataPropertiesToRemove", []))
    merged = {**package.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
    return {key: value for key, value in merged.items() if key not in removed}


def _group(region: Region, name_or_arn: str) -> Record:
    name = name_or_arn.rpartition("/")[2]
    for known, group in region.package_groups.items():
        if known == name or group["ModelPackageGroupArn"] == name_or_arn:
            return group
    raise ValidationError(f"ModelPackageGroup {region.arn('model-package-group', name)} does not exist.")


def find_package(region: Region, name_or_arn: str) -> Record:
    """The package of this name or ARN. Raises ValidationError."""
    package_arn = name_or_arn if name_or_arn.startswith("arn:") else region.arn("model-package", name_or_arn)
    try:
        return region.packages[package_arn]
    except KeyError as error:
        raise ValidationError(f"ModelPackage {package_arn} does not exist.") from error


def _listed(region: Region, request: Request) -> list[Record]:
    """Versions of the group, or (when none is given) the packages without a group, as ModelPackageType says."""
    packages = list(region.packages.values())
    if "ModelPackageGroupName" in request:
        name = _group(region, request["ModelPackageGroupName"])["ModelPackageGroupName"]
        packages = [package for package in packages if package.get("ModelPackageGroupName") == name]
    elif request.get("ModelPackageType", "Unversioned") != "Both":
        versioned = request.get("ModelPackageType") == "Versioned"
        packages = [package for package in packages if ("ModelPackageGroupName" in package) == versioned]
    approval = request.get("ModelApprovalStatus")
    return [package for package in packages if approval in (None, package.get("ModelApprovalStatus"))]


OPERATIONS: dict[str, Operation] = {
    "CreateModelPackageGroup": create_group,
    "DescribeModelPackageGroup": describe_group,
    "DeleteModelPackageGroup": delete_group,
    "ListModelPackageGroups": listing.operation(
        listing.Listing(
            records=lambda region, _request: region.package_groups.values(),
            answer="ModelPackageGroupSummaryList",
            name="ModelPackageGroupName",
            members=_GROUP_SUMMARY,
        )
    ),
    "CreateModelPackage": create_package,
    "DescribeModelPackage": describe_package,
    "BatchDescribeModelPackage": batch_describe_packages,
    "UpdateModelPackage": update_package,
    "DeleteModelPackage": delete_package,
    "ListModelPackages": listing.operation(
        listing.Listing(
            records=_listed,
            answer="ModelPackageSummaryList",
            name="ModelPackageArn",
            members=_PACKAGE_SUMMARY,
        )
    ),
}
