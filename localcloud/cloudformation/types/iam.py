"""AWS::IAM::*"""

from typing import Any

from localcloud.cloudformation.calls import forward
from localcloud.cloudformation.resource_type import Handling, ResourceType, Setting, words

_MOST_POLICY_VERSIONS = 5
_HOLDERS = {"Roles": ("role", "RoleName"), "Users": ("user", "UserName"), "Groups": ("group", "GroupName")}


def _sync_role_policies(handling: Handling) -> None:
    iam, name = handling.client, handling.physical_id
    new, old = handling.properties, handling.old_properties
    attached, before = (set(one.get("ManagedPolicyArns") or []) for one in (new, old))
    for arn in sorted(attached - before):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in sorted(before - attached):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    inline = {policy["PolicyName"] for policy in new.get("Policies") or []}
    for policy in new.get("Policies") or []:
        forward(iam, "put_role_policy", {"RoleName": name, **policy})
    for policy in old.get("Policies") or []:
        if policy["PolicyName"] not in inline:
            iam.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])


def _delete_role(handling: Handling) -> None:
    iam, name = handling.client, handling.physical_id
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def _for_holders(handling: Handling, verb: str, holders: set[tuple[str, str]], **arguments: Any) -> None:
    """`verb` (put, delete, attach, detach) a policy for every holder."""
    for kind, holder in sorted(holders):
        entity, member = _HOLDERS[kind]
        forward(handling.client, f"{verb}_{entity}_policy", {member: holder, **arguments})


def _holders(properties: dict[str, Any]) -> set[tuple[str, str]]:
    return {(kind, name) for kind in _HOLDERS for name in properties.get(kind) or []}


def _put_inline(handling: Handling) -> None:
    new, old = handling.properties, handling.old_properties
    name, before = new["PolicyName"], old.get("PolicyName", new["PolicyName"])
    _for_holders(handling, "put", _holders(new), PolicyName=name, PolicyDocument=new["PolicyDocument"])
    _for_holders(handling, "delete", _holders(old) - (_holders(new) if name == before else set()), PolicyName=before)


def _delete_inline(handling: Handling) -> None:
    _for_holders(handling, "delete", _holders(handling.properties), PolicyName=handling.properties["PolicyName"])


def _new_version(handling: Handling) -> None:
    if handling.changed("PolicyDocument"):
        iam, arn = handling.client, handling.physical_id
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        spare = [one["VersionId"] for one in versions if not one["IsDefaultVersion"]]
        if len(versions) >= _MOST_POLICY_VERSIONS:
            oldest = min(spare, key=lambda version: int(version.lstrip("v")))
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest)
        document = {"PolicyArn": arn, "PolicyDocument": handling.properties["PolicyDocument"], "SetAsDefault": True}
        forward(iam, "create_policy_version", document)


def _sync_attachments(handling: Handling) -> None:
    new, old = _holders(handling.properties), _holders(handling.old_properties)
    _for_holders(handling, "attach", new - old, PolicyArn=handling.physical_id)
    _for_holders(handling, "detach", old - new, PolicyArn=handling.physical_id)


def _delete_managed(handling: Handling) -> None:
    iam, arn = handling.client, handling.physical_id
    _for_holders(handling, "detach", _holders(handling.properties), PolicyArn=arn)
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


TYPES = [
    ResourceType(
        "AWS::IAM::Role",
        "iam",
        create="create_role * RoleName={name}",
        update="update_role RoleName={ref} Description MaxSessionDuration",
        delete=_delete_role,
        properties=words(
            "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary "
            "Policies RoleName Tags"
        ),
        required=words("AssumeRolePolicyDocument"),
        replaced_by=words("Path RoleName"),
        named=("RoleName", 64),
        attributes={"Arn": "{Role.Arn}", "RoleId": "{Role.RoleId}"},
        cleared={"Description": "", "MaxSessionDuration": 3600},
        settings=(
            Setting(
                "AssumeRolePolicyDocument",
                "update_assume_role_policy RoleName={ref} PolicyDocument={AssumeRolePolicyDocument}",
                created_with=True,
            ),
            Setting(
                "PermissionsBoundary",
                "put_role_permissions_boundary RoleName={ref} PermissionsBoundary",
                "delete_role_permissions_boundary RoleName={ref}",
                created_with=True,
            ),
        ),
        after=_sync_role_policies,
        tagged="RoleName={ref}",
    ),
    ResourceType(
        "AWS::IAM::Policy",
        "iam",
        create=_put_inline,
        update=_put_inline,
        delete=_delete_inline,
        properties=words("Groups PolicyDocument PolicyName Roles Users"),
        required=words("PolicyDocument PolicyName"),
        attributes={"Id": "{ref}"},
    ),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        "iam",
        create="create_policy * PolicyName={name}",
        update=_new_version,
        delete=_delete_managed,
        properties=words("Description Groups ManagedPolicyName Path PolicyDocument Roles Users"),
        required=words("PolicyDocument"),
        replaced_by=words("Description ManagedPolicyName Path"),
        named=("ManagedPolicyName", 128),
        ref="{Policy.Arn}",
        attributes={"PolicyArn": "{Policy.Arn}", "PolicyId": "{Policy.PolicyId}"},
        after=_sync_attachments,
    ),
]
