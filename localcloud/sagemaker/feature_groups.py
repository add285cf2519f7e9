"""Feature groups: what features records have, and whether there is an online and an offline store."""

from typing import Any

from botocore.exceptions import ClientError

from localcloud.sagemaker import listing
from localcloud.sagemaker.errors import ResourceInUseError, ResourceNotFoundError, UnsupportedError, ValidationError
from localcloud.sagemaker.events import emit
from localcloud.sagemaker.service import Operation, Record, Region, Request, public
from localcloud.sagemaker.uris import join_s3_uri, split_s3_uri

_RESERVED = ("is_deleted", "write_time", "api_invocation_time")
_EVENT = "SageMaker Feature Group State Change"
_SUMMARY = (
    "FeatureGroupName", "FeatureGroupArn", "CreationTime", "FeatureGroupStatus", "OfflineStoreStatus",
)  # fmt: skip


def create(region: Region, request: Request) -> Record:
    """The feature group is Creating; `settle` ends that."""
    name = request["FeatureGroupName"]
    arn = region.arn("feature-group", name)
    if name in region.feature_groups:
        raise ResourceInUseError(f"Resource Already Exists: {arn}")
    _check(request)
    now = region.now()
    record = {key: value for key, value in request.items() if key != "Tags"}
    record |= {"FeatureGroupArn": arn, "CreationTime": now, "FeatureGroupStatus": "Creating"}
    if "OfflineStoreConfig" in request:
        region.require_role(request.get("RoleArn", ""), arn)
        record["OfflineStoreConfig"] = _resolved(region, request, int(now.timestamp()))
    region.feature_groups[name] = record
    region.set_tags(arn, request.get("Tags", []))
    return {"FeatureGroupArn": arn}


def describe(region: Region, request: Request) -> Record:
    """The feature group."""
    return public(find(region, request["FeatureGroupName"]))


def update(region: Region, request: Request) -> Record:
    """The feature group has the new features, too."""
    record = find(region, request["FeatureGroupName"])
    if unknown := sorted(set(request) - {"FeatureGroupName", "FeatureAdditions"}):
        raise UnsupportedError(f"UpdateFeatureGroup with {', '.join(unknown)}")
    features = [*record["FeatureDefinitions"], *request["FeatureAdditions"]]
    _check({**record, "FeatureDefinitions": features})
    record.update(FeatureDefinitions=features, LastModifiedTime=region.now(), LastUpdateStatus={"Status": "Successful"})
    return {"FeatureGroupArn": record["FeatureGroupArn"]}


def delete(region: Region, request: Request) -> None:
    """The feature group is Deleting and its online store is gone; what was written to S3 stays."""
    record = find(region, request["FeatureGroupName"])
    record["FeatureGroupStatus"] = "Deleting"
    emit(region, _EVENT, record, record["FeatureGroupArn"])


def find(region: Region, name_or_arn: str) -> Record:
    """The feature group. Raises ResourceNotFoundError."""
    try:
        return region.feature_groups[name_or_arn.rpartition("/")[2]]
    except KeyError as error:
        arn = region.arn("feature-group", name_or_arn.rpartition("/")[2])
        raise ResourceNotFoundError(f"Resource Not Found: Amazon SageMaker can't find a FeatureGroup {arn}") from error


def settle(region: Region) -> None:
    """What was Creating is Created, or has failed because its bucket cannot be used; what was Deleting is gone.

    AWS says that the role needs s3:GetBucketAcl; that it is tried then, and not at the request, is not proven.
    """
    with region.lock:
        unsettled = [each for each in region.feature_groups.values() if each["FeatureGroupStatus"] in _NEXT]
    for record in unsettled:
        problem = _problem(region, record) if record["FeatureGroupStatus"] == "Creating" else ""
        with region.lock:
            _advance(region, record, problem)
            region.changed()


_NEXT = {"Creating": "Created", "Deleting": "Deleted"}


def _advance(region: Region, record: Record, problem: str) -> None:
    record["FeatureGroupStatus"] = "CreateFailed" if problem else _NEXT[record["FeatureGroupStatus"]]
    record["FailureReason"] = problem or None
    name, arn = record["FeatureGroupName"], record["FeatureGroupArn"]
    if record["FeatureGroupStatus"] != "Deleted":
        emit(region, _EVENT, record, arn)
        return
    del region.feature_groups[name]
    region.tags.pop(arn, None)
    region.offline_rows.pop(name, None)
    for identifier in region.features.pop(name, {}):
        region.changed("Feature", f"{name}/{identifier}")


def _problem(region: Region, record: Record) -> str:
    """Why the offline store's bucket cannot be used; empty when it can."""
    if "OfflineStoreConfig" not in record:
        return ""
    bucket, _ = split_s3_uri(record["OfflineStoreConfig"]["S3StorageConfig"]["S3Uri"])
    try:
        region.client(record["RoleArn"], "s3", record["FeatureGroupArn"]).get_bucket_acl(Bucket=bucket)
    except ClientError as error:
        return f"The bucket {bucket} of the offline store cannot be used with the role {record['RoleArn']}: {error}"
    record["OfflineStoreStatus"] = {"Status": "Active"}
    return ""


def _check(request: Request) -> None:
    types = {each["FeatureName"]: each["FeatureType"] for each in request["FeatureDefinitions"]}
    if len(types) < len(request["FeatureDefinitions"]) or set(types).intersection(_RESERVED):
        raise ValidationError(f"FeatureDefinitions must be unique, and none of {', '.join(_RESERVED)}.")
    if request["RecordIdentifierFeatureName"] not in types:
        raise ValidationError("RecordIdentifierFeatureName must be one of the FeatureDefinitions.")
    if types.get(request["EventTimeFeatureName"]) not in ("String", "Fractional"):
        raise ValidationError("EventTimeFeatureName must be a feature of type String or Fractional.")
    _refuse_unsupported(request)


def _refuse_unsupported(request: Request) -> None:
    online, offline = request.get("OnlineStoreConfig", {}), request.get("OfflineStoreConfig", {})
    unsupported = {
        "collections as features": any("CollectionType" in each for each in request["FeatureDefinitions"]),
        "an online store other than Standard": online.get("StorageType", "Standard") != "Standard",
        "TtlDuration": "TtlDuration" in online,
        "Iceberg tables": offline.get("TableFormat", "Glue") not in ("Glue", "Default"),
    }
    for what, is_asked in unsupported.items():
        if is_asked:
            raise UnsupportedError(f"{what} in a feature group")
    if not online.get("EnableOnlineStore") and not offline:
        raise ValidationError("At least one of an online store and an offline store must be configured.")


def _resolved(region: Region, request: Request, created: int) -> dict[str, Any]:
    """The offline store with the place of its files, as AWS builds it."""
    config = request["OfflineStoreConfig"]
    storage, folder = config["S3StorageConfig"], f"{request['FeatureGroupName']}-{created}"
    parts = (region.cloud.account, "sagemaker", region.name, "offline-store", folder, "data")
    resolved = storage | {"ResolvedOutputS3Uri": join_s3_uri(storage["S3Uri"], *parts)}
    return {"DisableGlueTableCreation": False, **config, "S3StorageConfig": resolved}


def _listed(region: Region, request: Request) -> list[Record]:
    wanted, stored = request.get("FeatureGroupStatusEquals"), request.get("OfflineStoreStatusEquals")
    return [
        each
        for each in region.feature_groups.values()
        if wanted in (None, each["FeatureGroupStatus"])
        and stored in (None, each.get("OfflineStoreStatus", {}).get("Status"))
    ]


OPERATIONS: dict[str, Operation] = {
    "CreateFeatureGroup": create,
    "DescribeFeatureGroup": describe,
    "UpdateFeatureGroup": update,
    "DeleteFeatureGroup": delete,
    "ListFeatureGroups": listing.operation(
        listing.Listing(
            records=_listed, answer="FeatureGroupSummaries", name="FeatureGroupName", members=_SUMMARY, descending=True
        )
    ),
}
