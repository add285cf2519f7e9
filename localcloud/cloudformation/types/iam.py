"""AWS::IAM::*"""

from typing import Any

from localcloud.cloudformation.forward import forward
from localcloud.cloudformation.properties import as_json, pick, tag_list
from localcloud.cloudformation.resource_type import Handling, Made, ResourceType, words

_MOST_POLICY_VERSIONS = 5
_HOLDERS = {"Roles": ("role", "RoleName"), "Users": ("user", "UserName"), "Groups": ("group", "GroupName")}


def _create_role(handling: Handling) -> Made:
    iam, properties, name = handling.client("iam"), handling.properties, handling.name("RoleName", 64)
    arguments = pick(properties, ("Path", "Description", "MaxSessionDuration", "PermissionsBoundary"))
    arguments |= {
        "RoleName": name,
        "AssumeRolePolicyDocument": as_json(properties["AssumeRolePolicyDocument"]),
        "Tags": tag_list(properties),
    }
    role = forward(iam, "create_role", arguments)["Role"]
    handling.begun(name)
    _sync_policies(handling, name)
    return Made(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(handling: Handling) -> Made:
    iam, properties, name = handling.client("iam"), handling.properties, handling.physical_id
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=as_json(properties["AssumeRolePolicyDocument"]))
    forward(iam, "update_role", {"RoleName": name} | pick(properties, ("Description", "MaxSessionDuration")))
    if handling.changed("PermissionsBoundary"):
        if "PermissionsBoundary" in properties:
            iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=properties["PermissionsBoundary"])
        else:
            iam.delete_role_permissions_boundary(RoleName=name)
    _sync_policies(handling, name)
    return Made(name, handling.attributes)


def _sync_policies(handling: Handling, name: str) -> None:
    iam = handling.client("iam")
    attached, before = (set(one.get("ManagedPolicyArns") or []) for one in _new_and_old(handling))
    for arn in sorted(attached - before):
        iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    for arn in sorted(before - attached):
        iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    inline, old = ({p["PolicyName"]: p for p in one.get("Policies") or []} for one in _new_and_old(handling))
    for policy_name, policy in inline.items():
        document = as_json(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy_name, PolicyDocument=document)
    for policy_name in old.keys() - inline.keys():
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)


def _new_and_old(handling: Handling) -> tuple[dict[str, Any], dict[str, Any]]:
    return handling.properties, handling.old_properties


def _delete_role(handling: Handling) -> None:
    iam, name = handling.client("iam"), handling.physical_id
    for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    for policy_name in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    iam.delete_role(RoleName=name)


def _holders(properties: dict[str, Any]) -> set[tuple[str, str]]:
    return {(kind, name) for kind in _HOLDERS for name in properties.get(kind) or []}


def _put_inline(handling: Handling) -> Made:
    iam, properties = handling.client("iam"), handling.properties
    name, document = properties["PolicyName"], as_json(properties["PolicyDocument"])
    for kind, holder in sorted(_holders(properties)):
        entity, argument = _HOLDERS[kind]
        put = getattr(iam, f"put_{entity}_policy")
        put(PolicyName=name, PolicyDocument=document, **{argument: holder})
    if handling.old_properties.get("PolicyName", name) == name:
        _delete_inline(iam, name, _holders(handling.old_properties) - _holders(properties))
    physical_id = handling.physical_id or handling.generated_name(128)
    return Made(physical_id, {"Id": physical_id})


def _remove_inline(handling: Handling) -> None:
    _delete_inline(handling.client("iam"), handling.properties["PolicyName"], _holders(handling.properties))


def _delete_inline(iam: Any, name: str, holders: set[tuple[str, str]]) -> None:
    for kind, holder in sorted(holders):
        entity, argument = _HOLDERS[kind]
        getattr(iam, f"delete_{entity}_policy")(PolicyName=name, **{argument: holder})


def _create_managed(handling: Handling) -> Made:
    arguments = pick(handling.properties, ("Description", "Path"))
    arguments |= {
        "PolicyName": handling.name("ManagedPolicyName", 128),
        "PolicyDocument": as_json(handling.properties["PolicyDocument"]),
        "Tags": tag_list(handling.properties),
    }
    policy = forward(handling.client("iam"), "create_policy", arguments)["Policy"]
    handling.begun(policy["Arn"])
    _sync_attachments(handling, policy["Arn"])
    return Made(policy["Arn"], {"PolicyArn": policy["Arn"], "PolicyId": policy["PolicyId"]})


def _update_managed(handling: Handling) -> Made:
    iam, arn = handling.client("iam"), handling.physical_id
    if handling.changed("PolicyDocument"):
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        spare = [one for one in versions if not one["IsDefaultVersion"]]
        if len(versions) >= _MOST_POLICY_VERSIONS:
            oldest = min(spare, key=lambda one: int(one["VersionId"].lstrip("v")))
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        document = as_json(handling.properties["PolicyDocument"])
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)
    _sync_attachments(handling, arn)
    return Made(arn, handling.attributes)


def _sync_attachments(handling: Handling, arn: str) -> None:
    iam = handling.client("iam")
    new, old = _holders(handling.properties), _holders(handling.old_properties)
    for verb, holders in (("attach", new - old), ("detach", old - new)):
        for kind, holder in sorted(holders):
            entity, argument = _HOLDERS[kind]
            getattr(iam, f"{verb}_{entity}_policy")(PolicyArn=arn, **{argument: holder})


def _delete_managed(handling: Handling) -> None:
    iam, arn = handling.client("iam"), handling.physical_id
    for kind, holder in sorted(_holders(handling.properties)):
        entity, argument = _HOLDERS[kind]
        getattr(iam, f"detach_{entity}_policy")(PolicyArn=arn, **{argument: holder})
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)


TYPES = [
    ResourceType(
        "AWS::IAM::Role",
        properties=words(
            "AssumeRolePolicyDocument Description ManagedPolicyArns MaxSessionDuration Path PermissionsBoundary "
            "Policies RoleName"
        ),
        attributes=words("Arn RoleId"),
        name_property="RoleName",
        replaced_by=words("Path"),
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
    ),
    ResourceType(
        "AWS::IAM::Policy",
        properties=words("PolicyName PolicyDocument Roles Users Groups"),
        attributes=words("Id"),
        replaced_by=words("PolicyName"),
        create=_put_inline,
        update=_put_inline,
        delete=_remove_inline,
    ),
    ResourceType(
        "AWS::IAM::ManagedPolicy",
        properties=words("Description ManagedPolicyName Path PolicyDocument Roles Users Groups"),
        attributes=words("PolicyArn PolicyId"),
        name_property="ManagedPolicyName",
        replaced_by=words("Description Path"),
        create=_create_managed,
        update=_update_managed,
        delete=_delete_managed,
    ),
]
