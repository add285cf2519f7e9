"""Records of features: the online store, and the rows that wait for the offline store."""

import uuid
from datetime import UTC, datetime
from typing import Any

from localcloud.sagemaker.errors import ApiError, UnsupportedError, ValidationError
from localcloud.sagemaker.feature_groups import find
from localcloud.sagemaker.service import Operation, Record, Region, Request

PARSERS = {"Integral": int, "Fractional": float, "String": str}
_PAGE = 100


def put(region: Region, request: Request) -> None:
    """The record is in the stores of its group; in the online store only if none of later event time is there."""
    group = _writable(region, request)
    values = {feature["FeatureName"]: feature["ValueAsString"] for feature in request["Record"]}
    types = {each["FeatureName"]: each["FeatureType"] for each in group["FeatureDefinitions"]}
    for name, text in values.items():
        _check(name, text, types)
    for name in (group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"]):
        if name not in values:
            raise ValidationError(f"The value of the required feature {name} is missing.")
    _write(region, group, values, request, is_deleted=False)


def get(region: Region, request: Request) -> Record:
    """The latest record of the identifier; nothing when there is none."""
    group = _online(region, request["FeatureGroupName"])
    found = _latest(region, group, request["RecordIdentifierValueAsString"], request.get("FeatureNames"))
    return {"Record": found} if found else {}


def delete(region: Region, request: Request) -> None:
    """The record cannot be read any more; with SoftDelete its event time still outdates earlier records."""
    group = _writable(region, request)
    names = (group["RecordIdentifierFeatureName"], group["EventTimeFeatureName"])
    values = dict(zip(names, (request["RecordIdentifierValueAsString"], request["EventTime"]), strict=True))
    _write(region, group, values, request, is_deleted=True)


def batch_get(region: Region, request: Request) -> Record:
    """Every record that there is, and an error for each group that cannot be read."""
    records: list[Record] = []
    errors: list[Record] = []
    for asked in request["Identifiers"]:
        name = asked["FeatureGroupName"]
        for identifier in asked["RecordIdentifiersValueAsString"]:
            about = {"FeatureGroupName": name, "RecordIdentifierValueAsString": identifier}
            try:
                found = _latest(region, _online(region, name), identifier, asked.get("FeatureNames"))
            except ApiError as error:
                errors.append(about | {"ErrorCode": error.code, "ErrorMessage": str(error)})
            else:
                records += [about | {"Record": found}] if found else []
    return {"Records": records, "Errors": errors, "UnprocessedIdentifiers": []}


def list_records(region: Region, request: Request) -> Record:
    """Identifiers in the online store, a page of them."""
    group = _online(region, request["FeatureGroupName"])
    deleted = request.get("IncludeSoftDeletedRecords", False)
    kept = region.features.get(group["FeatureGroupName"], {})
    names = sorted(name for name, record in kept.items() if deleted or not record["is_deleted"])
    start = int(request.get("NextToken", 0))
    end = start + int(request.get("MaxResults", _PAGE))
    return {"RecordIdentifiers": names[start:end], **({"NextToken": str(end)} if end < len(names) else {})}


def event_seconds(text: str) -> float:
    """An event time as epoch seconds: ISO 8601 in UTC, or the seconds themselves. Raises ValidationError."""
    for form in ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    try:
        return float(text)
    except ValueError as error:
        raise ValidationError(f"Event time {text} is neither ISO-8601 (yyyy-MM-dd'T'HH:mm:ssZ) nor seconds.") from error


def _write(region: Region, group: Record, values: dict[str, str], request: Request, *, is_deleted: bool) -> None:
    name = group["FeatureGroupName"]
    seconds = event_seconds(values[group["EventTimeFeatureName"]])
    stores = request.get("TargetStores") or ["OnlineStore", "OfflineStore"]
    row = {"values": values, "seconds": seconds, "is_deleted": is_deleted}
    if "OnlineStore" in stores and group.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        identifier = values[group["RecordIdentifierFeatureName"]]
        _keep_latest(region, name, identifier, row, is_hard=request.get("DeletionMode") == "HardDelete")
    if "OfflineStore" in stores and "OfflineStoreConfig" in group:
        waiting = row | {"invoked": region.now(), "token": uuid.uuid4().hex[:16]}
        region.offline_rows.setdefault(name, []).append(waiting)
        region.changed("", "offline_rows")


def _keep_latest(region: Region, group: str, identifier: str, row: Record, *, is_hard: bool) -> None:
    records = region.features.setdefault(group, {})
    if row["seconds"] < records.get(identifier, row)["seconds"]:
        return
    if is_hard:
        records.pop(identifier, None)
    else:
        records[identifier] = row
    region.changed("Feature", f"{group}/{identifier}")


def _latest(region: Region, group: Record, identifier: str, names: list[str] | None) -> list[dict[str, str]]:
    record = region.features.get(group["FeatureGroupName"], {}).get(identifier)
    if record is None or record["is_deleted"]:
        return []
    values: dict[str, Any] = record["values"]
    return [
        {"FeatureName": name, "ValueAsString": value} for name, value in values.items() if not names or name in names
    ]


def _writable(region: Region, request: Request) -> Record:
    if "TtlDuration" in request:
        raise UnsupportedError("TtlDuration of a record")
    return _created(region, request["FeatureGroupName"])


def _created(region: Region, name: str) -> Record:
    group = find(region, name)
    if group["FeatureGroupStatus"] != "Created":
        raise ValidationError(f"FeatureGroup {name} is {group['FeatureGroupStatus']}; it must be Created.")
    return group


def _online(region: Region, name: str) -> Record:
    group = _created(region, name)
    if not group.get("OnlineStoreConfig", {}).get("EnableOnlineStore"):
        raise ValidationError(f"FeatureGroup {name} has no online store.")
    return group


def _check(name: str, text: str, types: dict[str, str]) -> None:
    if name not in types:
        raise ValidationError(f"The feature group has no feature {name}.")
    try:
        PARSERS[types[name]](text)
    except ValueError as error:
        raise ValidationError(f"The value of {name} is not of its feature type, {types[name]}.") from error


RUNTIME: dict[str, Operation] = {
    "PutRecord": put,
    "GetRecord": get,
    "DeleteRecord": delete,
    "BatchGetRecord": batch_get,
    "ListRecords": list_records,
}
