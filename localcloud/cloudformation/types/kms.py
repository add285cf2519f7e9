"""AWS::KMS::*"""

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, is_true, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_DEFAULT_PENDING_DAYS = 30


def _create_key(handling: Handling) -> Made:
    properties = handling.properties
    arguments = pick(properties, ("Description", "KeySpec", "KeyUsage", "MultiRegion", "Origin"))
    arguments["Tags"] = tag_list(properties, "TagKey", "TagValue")
    if "KeyPolicy" in properties:
        arguments["Policy"] = as_json(properties["KeyPolicy"])
    made = forward(handling.client("kms"), "create_key", arguments)["KeyMetadata"]
    handling.begun(made["KeyId"])
    _configure_key(handling, made["KeyId"])
    return Made(made["KeyId"], {"Arn": made["Arn"], "KeyId": made["KeyId"]})


def _update_key(handling: Handling) -> Made:
    handling.refuse_changes("KeySpec KeyUsage MultiRegion Origin")
    kms, key, properties = handling.client("kms"), handling.physical_id, handling.properties
    if handling.changed("KeyPolicy") and "KeyPolicy" in properties:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=as_json(properties["KeyPolicy"]))
    if handling.changed("Description"):
        kms.update_key_description(KeyId=key, Description=properties.get("Description", ""))
    _configure_key(handling, key)
    return Made(key, handling.attributes)


def _configure_key(handling: Handling, key: str) -> None:
    kms, properties = handling.client("kms"), handling.properties
    if handling.changed("EnableKeyRotation") or handling.changed("RotationPeriodInDays"):
        if is_true(properties.get("EnableKeyRotation", False)):
            arguments = {"KeyId": key} | pick(properties, ["RotationPeriodInDays"])
            forward(kms, "enable_key_rotation", arguments)
        else:
            kms.disable_key_rotation(KeyId=key)
    if handling.changed("Enabled"):
        operation = kms.enable_key if is_true(properties.get("Enabled", True)) else kms.disable_key
        operation(KeyId=key)


def _delete_key(handling: Handling) -> None:
    days = int(handling.properties.get("PendingWindowInDays", _DEFAULT_PENDING_DAYS))
    handling.client("kms").schedule_key_deletion(KeyId=handling.physical_id, PendingWindowInDays=days)


def _create_alias(handling: Handling) -> Made:
    forward(handling.client("kms"), "create_alias", handling.properties)
    return Made(handling.properties["AliasName"])


def _update_alias(handling: Handling) -> Made:
    forward(handling.client("kms"), "update_alias", handling.properties)
    return Made(handling.physical_id)


def _delete_alias(handling: Handling) -> None:
    handling.client("kms").delete_alias(AliasName=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::KMS::Key",
        properties=words(
            "Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion Origin PendingWindowInDays "
            "RotationPeriodInDays"
        ),
        without_effect=words("BypassPolicyLockoutSafetyCheck"),
        attributes=words("Arn KeyId"),
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
    ),
    ResourceType(
        "AWS::KMS::Alias",
        properties=words("AliasName TargetKeyId"),
        name_property="AliasName",
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
    ),
]
