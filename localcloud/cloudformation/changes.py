"""What executing a change set would do: additions, removals, changes and replacements."""

from typing import Any

from localcloud.cloudformation.backend import not_yet_known, refer_to
from localcloud.cloudformation.errors import NotYetKnown
from localcloud.cloudformation.intrinsics import Scope, evaluate
from localcloud.cloudformation.resource_type import resource_type
from localcloud.cloudformation.stack import Inputs, Resource, Stack
from localcloud.cloudformation.templates import Template, deployment_order

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
_DEFINITION_PARTS = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy")


def active_resources(template: Template, conditions: dict[str, bool]) -> list[str]:
    """Logical ids whose condition holds, in the order in which they can be deployed."""
    active = [
        name
        for name, definition in template.resources.items()
        if "Condition" not in definition or conditions[definition["Condition"]]
    ]
    return deployment_order({name: template.dependencies[name] for name in active})


def preview(stack: Stack, inputs: Inputs, scope: Scope) -> list[dict[str, Any]]:
    """The changes as DescribeChangeSet gives them."""
    present = dict(stack.resources)
    visible = dict(stack.resources)
    refer_to(scope, visible, not_yet_known)
    order = active_resources(inputs.template, scope.conditions)
    changes = []
    for logical_id in order:
        definition = inputs.template.resources[logical_id]
        change = _change_of(logical_id, definition, present.get(logical_id), scope)
        if change is None:
            continue
        changes.append(change)
        if change["Action"] == "Add" or change.get("Replacement") == "True":
            visible.pop(logical_id, None)
    removed = [_removal(resource) for name, resource in present.items() if name not in order]
    return [{"Type": "Resource", "ResourceChange": change} for change in changes + removed]


def _change_of(
    logical_id: str, definition: dict[str, Any], present: Resource | None, scope: Scope
) -> dict[str, Any] | None:
    change: dict[str, Any] = {
        "Action": "Add",
        "LogicalResourceId": logical_id,
        "ResourceType": definition["Type"],
        "Scope": [],
        "Details": [],
    }
    if present is None:
        return change
    change |= {"Action": "Modify", "PhysicalResourceId": present.physical_id}
    if present.type != definition["Type"]:
        return change | {"Replacement": "True", "Scope": ["Properties"]}
    details = _property_changes(definition.get("Properties") or {}, present, scope)
    parts = [part for part in _DEFINITION_PARTS if definition.get(part) != present.definition.get(part)]
    if not details and not parts:
        return None
    replacement = _replacement([detail["Target"]["RequiresRecreation"] for detail in details])
    return change | {
        "Scope": (["Properties"] if details else []) + parts,
        "Details": details,
        "Replacement": replacement,
    }


def _replacement(recreations: list[str]) -> str:
    if "Always" in recreations:
        return "True"
    return "Conditional" if "Conditionally" in recreations else "False"


def _property_changes(properties: dict[str, Any], present: Resource, scope: Scope) -> list[dict[str, Any]]:
    details = []
    for name in sorted(properties.keys() | present.properties.keys()):
        value, is_known = _value_of(name, properties, scope)
        if not is_known or value != present.properties.get(name):
            details.append(_detail(name, value, is_known, present))
    return details


def _value_of(name: str, properties: dict[str, Any], scope: Scope) -> tuple[Any, bool]:
    given = {name: properties[name]} if name in properties else {}
    try:
        return evaluate(given, scope).get(name), True
    except NotYetKnown:
        return None, False


def _detail(name: str, value: Any, is_known: bool, present: Resource) -> dict[str, Any]:
    new = present.properties | {name: value}
    replaces = resource_type(present.type).needs_replacement(present.properties, new)
    recreation = ("Always" if is_known else "Conditionally") if replaces else "Never"
    return {
        "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
        "Evaluation": "Static" if is_known else "Dynamic",
        "ChangeSource": "DirectModification" if is_known else "ResourceReference",
    }


def _removal(resource: Resource) -> dict[str, Any]:
    policy = resource.definition.get("DeletionPolicy", "Delete")
    return {
        "Action": "Remove",
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.physical_id,
        "ResourceType": resource.type,
        "PolicyAction": "Delete" if policy == "Delete" else "Retain",
        "Scope": [],
        "Details": [],
    }
