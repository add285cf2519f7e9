"""AWS::S3::*"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.resource_type import Handling, ResourceType, Setting, words

_DESTINATIONS = {
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
}
_EXPIRATION = {"ExpirationInDays": "Days", "ExpirationDate": "Date", "ExpiredObjectDeleteMarker": None}


def _create_bucket(handling: Handling) -> None:
    arguments: dict[str, Any] = {"Bucket": handling.name}
    if handling.stack.region != "us-east-1":
        arguments["CreateBucketConfiguration"] = {"LocationConstraint": handling.stack.region}
    arguments["ObjectLockEnabledForBucket"] = handling.properties.get("ObjectLockEnabled")
    forward(handling.client, "create_bucket", arguments)


def _renamed(names: Mapping[str, str], value: Mapping[str, Any]) -> dict[str, Any]:
    return {names.get(name, name): one for name, one in value.items()}


def _encryption(value: dict[str, Any]) -> dict[str, Any]:
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {"Rules": [_renamed(names, rule) for rule in value["ServerSideEncryptionConfiguration"]]}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    own = {"Prefix", "TagFilters", "NoncurrentVersionExpirationInDays", *_EXPIRATION}
    converted = _renamed({"Id": "ID"}, {name: value for name, value in rule.items() if name not in own})
    expiration = {api or name: rule[name] for name, api in _EXPIRATION.items() if name in rule}
    if expiration:
        converted["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        converted["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    for name, days in (("Transitions", "Days"), ("NoncurrentVersionTransitions", "NoncurrentDays")):
        if name in rule:
            names = {"TransitionInDays": days, "TransitionDate": "Date"}
            converted[name] = [_renamed(names, one) for one in rule[name]]
    return {**converted, "Filter": _lifecycle_filter(rule.get("Prefix", ""), rule.get("TagFilters") or [])}


def _lifecycle_filter(prefix: str, tags: list[Any]) -> dict[str, Any]:
    if not tags:
        return {"Prefix": prefix}
    return {"Tag": tags[0]} if len(tags) == 1 and not prefix else {"And": {"Prefix": prefix, "Tags": tags}}


def _notifications(value: dict[str, Any]) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    for name, configurations in value.items():
        if name == "EventBridgeConfiguration":
            if str(configurations.get("EventBridgeEnabled", True)).lower() == "true":
                converted[name] = {}
            continue
        api_name, target, arn_name = _DESTINATIONS[name]
        converted[api_name] = [_notification(one, target, arn_name) for one in configurations]
    return converted


def _notification(one: dict[str, Any], target: str, arn_name: str) -> dict[str, Any]:
    rules = {"Filter": {"Key": {"FilterRules": one["Filter"]["S3Key"]["Rules"]}}} if "Filter" in one else {}
    return {arn_name: one[target], "Events": [one["Event"]], **rules}


def _cors(value: dict[str, Any]) -> dict[str, Any]:
    names = {"ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds", "Id": "ID"}
    return {"CORSRules": [_renamed(names, rule) for rule in value["CorsRules"]]}


def _logging(value: dict[str, Any]) -> dict[str, Any]:
    names = {"DestinationBucketName": "TargetBucket", "LogFilePrefix": "TargetPrefix"}
    return {"LoggingEnabled": {"TargetPrefix": "", **_renamed(names, value)}}


_CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "AccessControl": lambda value: re.sub("(?<!^)([A-Z])", r"-\1", value).lower(),
    "BucketEncryption": _encryption,
    "CorsConfiguration": _cors,
    "LifecycleConfiguration": lambda value: {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]},
    "LoggingConfiguration": _logging,
    "NotificationConfiguration": _notifications,
    "Tags": lambda tags: {"TagSet": tags},
}


def _as_in_api(handling: Handling) -> dict[str, Any]:
    given = handling.properties
    return {name: convert(given[name]) for name, convert in _CONVERSIONS.items() if name in given}


def _setting(name: str, put: str, argument: str = "", remove: str = "") -> Setting:
    argument = f"{argument}={{{name}}}" if argument else name
    return Setting(name, f"{put} Bucket={{ref}} {argument}", f"{remove} Bucket={{ref}}" if remove else "")


_SETTINGS = (
    _setting("AccessControl", "put_bucket_acl", "ACL"),
    _setting("VersioningConfiguration", "put_bucket_versioning"),
    _setting(
        "BucketEncryption", "put_bucket_encryption", "ServerSideEncryptionConfiguration", "delete_bucket_encryption"
    ),
    _setting("PublicAccessBlockConfiguration", "put_public_access_block", "", "delete_public_access_block"),
    _setting("OwnershipControls", "put_bucket_ownership_controls", "", "delete_bucket_ownership_controls"),
    _setting("LifecycleConfiguration", "put_bucket_lifecycle_configuration", "", "delete_bucket_lifecycle"),
    _setting("ObjectLockConfiguration", "put_object_lock_configuration"),
    _setting("CorsConfiguration", "put_bucket_cors", "CORSConfiguration", "delete_bucket_cors"),
    _setting("LoggingConfiguration", "put_bucket_logging", "BucketLoggingStatus"),
    _setting("NotificationConfiguration", "put_bucket_notification_configuration"),
    _setting("Tags", "put_bucket_tagging", "Tagging", "delete_bucket_tagging"),
)

TYPES = [
    ResourceType(
        "AWS::S3::Bucket",
        "s3",
        create=_create_bucket,
        delete="delete_bucket Bucket={ref}",
        properties=frozenset(one.property for one in _SETTINGS) | words("BucketName ObjectLockEnabled"),
        replaced_by=words("BucketName"),
        unchangeable=words("ObjectLockEnabled"),
        named=("BucketName", 63),
        make_name=lambda handling: handling.generated_name(63).lower(),
        attributes={
            "Arn": "arn:aws:s3:::{ref}",
            "DomainName": "{ref}.s3.amazonaws.com",
            "RegionalDomainName": "{ref}.s3.{region}.amazonaws.com",
            "DualStackDomainName": "{ref}.s3.dualstack.{region}.amazonaws.com",
            "WebsiteURL": "http://{ref}.s3-website-{region}.amazonaws.com",
        },
        settings=_SETTINGS,
        derived=_as_in_api,
        cleared={
            "AccessControl": "private",
            "VersioningConfiguration": {"Status": "Suspended"},
            "LoggingConfiguration": {},
            "NotificationConfiguration": {},
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"},
        },
    ),
    ResourceType(
        "AWS::S3::BucketPolicy",
        "s3",
        create="put_bucket_policy Bucket Policy={PolicyDocument}",
        update="put_bucket_policy Bucket Policy={PolicyDocument}",
        delete="delete_bucket_policy Bucket={ref}",
        properties=words("Bucket PolicyDocument"),
        required=words("Bucket PolicyDocument"),
        replaced_by=words("Bucket"),
        ref="{Bucket}",
        attributes={"Bucket": "{Bucket}"},
    ),
]
