"""AWS::KMS::*"""

from localcloud.cloudformation.calls import call
from localcloud.cloudformation.resource_type import Handling, ResourceType, Setting, words


def _switch(handling: Handling) -> None:
    """Rotation, then whether the key is enabled at all, as the properties say."""
    properties = {"EnableKeyRotation": False, "Enabled": True} | handling.properties
    for name, given in (("EnableKeyRotation", "KeyId={ref} RotationPeriodInDays"), ("Enabled", "KeyId={ref}")):
        if handling.changed(name) or (name == "EnableKeyRotation" and handling.changed("RotationPeriodInDays")):
            suffix = "_key_rotation" if name == "EnableKeyRotation" else "_key"
            is_on = str(properties[name]).lower() == "true"
            text = f"enable{suffix} {given}" if is_on else f"disable{suffix} KeyId={{ref}}"
            call(handling.client, text, {}, handling.values({}))


TYPES = [
    ResourceType(
        "AWS::KMS::Key",
        "kms",
        create="create_key * Policy={KeyPolicy}",
        delete="schedule_key_deletion KeyId={ref} PendingWindowInDays",
        properties=words(
            "Description EnableKeyRotation Enabled KeyPolicy KeySpec KeyUsage MultiRegion Origin PendingWindowInDays "
            "RotationPeriodInDays Tags"
        ),
        unchangeable=words("KeySpec KeyUsage MultiRegion Origin"),
        without_effect=words("BypassPolicyLockoutSafetyCheck"),
        ref="{KeyMetadata.KeyId}",
        attributes={"Arn": "{KeyMetadata.Arn}", "KeyId": "{KeyMetadata.KeyId}"},
        cleared={"Description": ""},
        settings=(
            Setting("KeyPolicy", "put_key_policy KeyId={ref} PolicyName=default Policy={KeyPolicy}", created_with=True),
            Setting("Description", "update_key_description KeyId={ref} Description", created_with=True),
        ),
        after=_switch,
        tagged="KeyId={ref}",
    ),
    ResourceType(
        "AWS::KMS::Alias",
        "kms",
        create="create_alias *",
        update="update_alias *",
        delete="delete_alias AliasName={ref}",
        properties=words("AliasName TargetKeyId"),
        required=words("AliasName TargetKeyId"),
        replaced_by=words("AliasName"),
        named=("AliasName", 256),
    ),
]
