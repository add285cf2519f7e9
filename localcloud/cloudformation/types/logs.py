"""AWS::Logs::*"""

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import pick, tag_map
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words


def _create_group(handling: Handling) -> Made:
    name = handling.name("LogGroupName", 512)
    arguments = {"LogGroupName": name, "Tags": tag_map(handling.properties) or None}
    arguments |= pick(handling.properties, ("KmsKeyId", "LogGroupClass", "DeletionProtectionEnabled"))
    forward(handling.client("logs"), "create_log_group", arguments)
    handling.begun(name)
    _set_retention(handling, name)
    return Made(name, {"Arn": handling.arn("logs", f"log-group:{name}:*")})


def _update_group(handling: Handling) -> Made:
    handling.refuse_changes("DeletionProtectionEnabled LogGroupClass")
    logs, name = handling.client("logs"), handling.physical_id
    if handling.changed("KmsKeyId"):
        if "KmsKeyId" in handling.properties:
            logs.associate_kms_key(logGroupName=name, kmsKeyId=handling.properties["KmsKeyId"])
        else:
            logs.disassociate_kms_key(logGroupName=name)
    _set_retention(handling, name)
    return Made(name, handling.attributes)


def _set_retention(handling: Handling, name: str) -> None:
    if not handling.changed("RetentionInDays"):
        return
    days = handling.properties.get("RetentionInDays")
    if days is None:
        handling.client("logs").delete_retention_policy(logGroupName=name)
    else:
        forward(handling.client("logs"), "put_retention_policy", {"LogGroupName": name, "RetentionInDays": days})


def _delete_group(handling: Handling) -> None:
    handling.client("logs").delete_log_group(logGroupName=handling.physical_id)


TYPES = [
    ResourceType(
        "AWS::Logs::LogGroup",
        properties=words("DeletionProtectionEnabled KmsKeyId LogGroupClass LogGroupName RetentionInDays"),
        attributes=words("Arn"),
        name_property="LogGroupName",
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
    ),
]
