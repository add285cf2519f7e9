"""AWS::S3::*"""

import re
from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, is_true, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_DESTINATIONS = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
}
_SAME_IN_API = ("Status", "Prefix", "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")


def _create_bucket(handling: Handling) -> Made:
    name = handling.name("BucketName", 63).lower()
    arguments: dict[str, Any] = {"Bucket": name}
    if handling.stack.region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": handling.stack.region}
    if is_true(handling.properties.get("ObjectLockEnabled")):
        arguments["ObjectLockEnabledForBucket"] = True
    forward(handling.client("s3"), "create_bucket", arguments)
    handling.begun(name)
    return _configure(handling, name)


def _update_bucket(handling: Handling) -> Made:
    handling.refuse_changes("ObjectLockEnabled")
    return _configure(handling, handling.physical_id)


def _configure(handling: Handling, name: str) -> Made:
    for property_name, (operation, argument, convert, undo) in _SETTINGS.items():
        value = handling.properties.get(property_name)
        if not handling.changed(property_name):
            continue
        if value is None:
            forward(handling.client("s3"), undo, {"Bucket": name, **_UNDO_ARGUMENTS.get(property_name, {})})
        else:
            forward(handling.client("s3"), operation, {"Bucket": name, argument: convert(value)})
    region = handling.stack.region
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{region}.amazonaws.com",
    }
    return Made(name, attributes)


def _delete_bucket(handling: Handling) -> None:
    handling.client("s3").delete_bucket(Bucket=handling.physical_id)


def _encryption(value: dict[str, Any]) -> dict[str, Any]:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = value["ServerSideEncryptionConfiguration"]
    return {"Rules": [{renamed.get(name, name): one for name, one in rule.items()} for rule in rules]}


def _lifecycle(value: dict[str, Any]) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    converted = pick(rule, _SAME_IN_API)
    if "Id" in rule:
        converted["ID"] = rule["Id"]
    renamed = {"ExpirationInDays": "Days", "ExpirationDate": "Date", "ExpiredObjectDeleteMarker": None}
    expiration = {api or name: rule[name] for name, api in renamed.items() if name in rule}
    if expiration:
        converted["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        converted["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "Transitions" in rule:
        converted["Transitions"] = [_transition(one, "Days") for one in rule["Transitions"]]
    if "NoncurrentVersionTransitions" in rule:
        moves = rule["NoncurrentVersionTransitions"]
        converted["NoncurrentVersionTransitions"] = [_transition(one, "NoncurrentDays") for one in moves]
    known = {*_SAME_IN_API, *renamed, "Id", "NoncurrentVersionExpirationInDays", "Transitions"}
    converted |= {name: rule[name] for name in rule.keys() - known - {"NoncurrentVersionTransitions", "TagFilters"}}
    return converted | _lifecycle_filter(rule, converted)


def _lifecycle_filter(rule: dict[str, Any], converted: dict[str, Any]) -> dict[str, Any]:
    prefix, tags = converted.pop("Prefix", ""), rule.get("TagFilters") or []
    if not tags:
        return {"Filter": {"Prefix": prefix}}
    if len(tags) == 1 and not prefix:
        return {"Filter": {"Tag": tags[0]}}
    return {"Filter": {"And": {"Prefix": prefix, "Tags": tags}}}


def _transition(one: dict[str, Any], days: str) -> dict[str, Any]:
    renamed = {"TransitionInDays": days, "TransitionDate": "Date"}
    return {renamed.get(name, name): value for name, value in one.items()}


def _notifications(value: dict[str, Any]) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    for name, configurations in value.items():
        if name == "EventBridgeConfiguration":
            if is_true(configurations.get("EventBridgeEnabled", True)):
                converted[name] = {}
            continue
        api_name, target, arn_name = _DESTINATIONS[name]
        converted[api_name] = [_notification(one, target, arn_name) for one in configurations]
    return converted


def _notification(one: dict[str, Any], target: str, arn_name: str) -> dict[str, Any]:
    converted = {arn_name: one[target], "Events": [one["Event"]]}
    if "Filter" in one:
        converted["Filter"] = {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}}
    return converted


def _cors(value: dict[str, Any]) -> dict[str, Any]:
    renamed = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}
    return {"CORSRules": [{renamed.get(name, name): one for name, one in rule.items()} for rule in value["CorsRules"]]}


def _logging(value: dict[str, Any]) -> dict[str, Any]:
    renamed = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    return {"LoggingEnabled": {"TargetPrefix": ""} | {renamed.get(name, name): one for name, one in value.items()}}


def _canned_acl(value: str) -> str:
    return re.sub("(?<!^)([A-Z])", r"-\1", value).lower()


def _same(value: Any) -> Any:
    return value


# property: (operation, argument, conversion, operation that takes it away)
_SETTINGS: dict[str, tuple[str, str, Any, str]] = {
    "AccessControl": ("put_bucket_acl", "ACL", _canned_acl, "put_bucket_acl"),
    "VersioningConfiguration": ("put_bucket_versioning", "VersioningConfiguration", _same, "put_bucket_versioning"),
    "BucketEncryption": (
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        _encryption,
        "delete_bucket_encryption",
    ),
    "PublicAccessBlockConfiguration": (
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        _same,
        "delete_public_access_block",
    ),
    "OwnershipControls": (
        "put_bucket_ownership_controls",
        "OwnershipControls",
        _same,
        "delete_bucket_ownership_controls",
    ),
    "LifecycleConfiguration": (
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        _lifecycle,
        "delete_bucket_lifecycle",
    ),
    "ObjectLockConfiguration": (
        "put_object_lock_configuration",
        "ObjectLockConfiguration",
        _same,
        "put_object_lock_configuration",
    ),
    "CorsConfiguration": ("put_bucket_cors", "CORSConfiguration", _cors, "delete_bucket_cors"),
    "LoggingConfiguration": ("put_bucket_logging", "BucketLoggingStatus", _logging, "put_bucket_logging"),
    "NotificationConfiguration": (
        "put_bucket_notification_configuration",
        "NotificationConfiguration",
        _notifications,
        "put_bucket_notification_configuration",
    ),
    "Tags": (
        "put_bucket_tagging",
        "Tagging",
        lambda tags: {"TagSet": tag_list({"Tags": tags})},
        "delete_bucket_tagging",
    ),
}
_UNDO_ARGUMENTS: dict[str, dict[str, Any]] = {
    "AccessControl": {"ACL": "private"},
    "VersioningConfiguration": {"VersioningConfiguration": {"Status": "Suspended"}},
    "LoggingConfiguration": {"BucketLoggingStatus": {}},
    "NotificationConfiguration": {"NotificationConfiguration": {}},
    "ObjectLockConfiguration": {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
}


def _put_policy(handling: Handling) -> Made:
    bucket = handling.properties["Bucket"]
    handling.client("s3").put_bucket_policy(Bucket=bucket, Policy=as_json(handling.properties["PolicyDocument"]))
    return Made(bucket, {"Bucket": bucket})


def _delete_policy(handling: Handling) -> None:
    handling.client("s3").delete_bucket_policy(Bucket=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::S3::Bucket",
        properties=frozenset(_SETTINGS) | words("BucketName ObjectLockEnabled"),
        attributes=words("Arn DomainName RegionalDomainName DualStackDomainName WebsiteURL"),
        name_property="BucketName",
        create=_create_bucket,
        update=_update_bucket,
        delete=_delete_bucket,
    ),
    ResourceType(
        "AWS::S3::BucketPolicy",
        properties=words("Bucket PolicyDocument"),
        attributes=words("Bucket"),
        replaced_by=words("Bucket"),
        create=_put_policy,
        update=_put_policy,
        delete=_delete_policy,
    ),
]
