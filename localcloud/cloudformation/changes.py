"""What executing a change set would do: additions, removals, changes and replacements."""

from collections.abc import Iterator
from typing import Any

from localcloud.cloudformation.backend import not_yet_known, refer_to
from localcloud.cloudformation.calls import tag_map
from localcloud.cloudformation.errors import NotYetKnown, ValidationError
from localcloud.cloudformation.intrinsics import NO_VALUE, Scope, evaluate
from localcloud.cloudformation.resource_type import TAGS, resource_type
from localcloud.cloudformation.stack import Inputs, Problem, Resource, Stack
from localcloud.cloudformation.templates import Template, deployment_order

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
EARLY_VALIDATION = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation]. To troubleshoot Early "
    "Validation errors, use the DescribeEvents API for detailed failure information."
)
_DEFINITION_PARTS = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy")


def active_resources(template: Template, conditions: dict[str, bool]) -> list[str]:
    """Logical ids whose condition holds, in the order in which they can be deployed."""
    active = [
        name
        for name, definition in template.resources.items()
        if "Condition" not in definition or conditions[definition["Condition"]]
    ]
    return deployment_order({name: template.dependencies[name] for name in active})


def wanted_properties(definition: dict[str, Any], stack_tags: list[dict[str, str]], scope: Scope) -> dict[str, Any]:
    """The evaluated properties of a resource; one that takes tags has the stack's too, its own before them."""
    properties: dict[str, Any] = evaluate(definition.get("Properties") or {}, scope)
    return _with_stack_tags(definition["Type"], properties, stack_tags)


def property_problems(template: Template, order: list[str]) -> list[Problem]:
    """What early validation finds wrong with the properties of resources."""
    return [
        Problem(logical_id, template.resources[logical_id]["Type"], message)
        for logical_id in order
        for message in template.type_of(logical_id).problems(template.resources[logical_id].get("Properties") or {})
    ]


def preview(stack: Stack, inputs: Inputs, scope: Scope) -> list[dict[str, Any]]:
    """The changes as DescribeChangeSet gives them; raises ValidationError when a resource changes its type."""
    _refuse_other_types(stack, inputs.template)
    visible = dict(stack.resources)
    refer_to(scope, visible, not_yet_known)
    order = active_resources(inputs.template, scope.conditions)
    changes = []
    for logical_id in order:
        definition = inputs.template.resources[logical_id]
        change = _change_of(logical_id, definition, stack.resources.get(logical_id), inputs, scope)
        if change is None:
            continue
        changes.append(change)
        if change["Action"] == "Add" or change.get("Replacement") == "True":
            visible.pop(logical_id, None)
    removed = [_removal(resource) for name, resource in stack.resources.items() if name not in order]
    return [{"Type": "Resource", "ResourceChange": change} for change in changes + removed]


def _refuse_other_types(stack: Stack, template: Template) -> None:
    new = {name: definition["Type"] for name, definition in template.resources.items()}
    other = [name for name, one in stack.resources.items() if new.get(name, one.type) != one.type]
    if other:
        raise ValidationError(
            "Update of resource type is not permitted. The new template modifies resource type of the following "
            f"resources: [{', '.join(sorted(other))}]"
        )


def _change_of(
    logical_id: str, definition: dict[str, Any], present: Resource | None, inputs: Inputs, scope: Scope
) -> dict[str, Any] | None:
    change = {"LogicalResourceId": logical_id, "ResourceType": definition["Type"], "Scope": [], "Details": []}
    if present is None:
        return change | {"Action": "Add"}
    details = list(_property_changes(definition, present, inputs, scope))
    parts = [part for part in _DEFINITION_PARTS if definition.get(part) != present.definition.get(part)]
    if not details and not parts:
        return None
    return change | {
        "Action": "Modify",
        "PhysicalResourceId": present.physical_id,
        "Scope": (["Properties"] if details else []) + parts,
        "Details": details,
        "Replacement": _replacement([detail["Target"]["RequiresRecreation"] for detail in details]),
    }


def _replacement(recreations: list[str]) -> str:
    if "Always" in recreations:
        return "True"
    return "Conditional" if "Conditionally" in recreations else "False"


def _property_changes(
    definition: dict[str, Any], present: Resource, inputs: Inputs, scope: Scope
) -> Iterator[dict[str, Any]]:
    given = definition.get("Properties") or {}
    values = {name: _known(value, scope) for name, value in given.items()}
    known = {name: value[0] for name, value in values.items() if value and value[0] is not NO_VALUE}
    new = _with_stack_tags(definition["Type"], known, [] if values.get(TAGS, [None]) == [] else inputs.tags)
    for name in sorted(values.keys() | new.keys() | present.properties.keys()):
        is_known = values.get(name) != []
        if not is_known or new.get(name) != present.properties.get(name):
            yield _detail(name, new.get(name), is_known, present)


def _known(value: Any, scope: Scope) -> list[Any]:
    """The value alone in a list; an empty list when it depends on what is still to be made."""
    try:
        return [evaluate(value, scope)]
    except NotYetKnown:
        return []


def _with_stack_tags(kind: str, properties: dict[str, Any], tags: list[dict[str, str]]) -> dict[str, Any]:
    if not tags or TAGS not in resource_type(kind).properties:
        return properties
    merged = tag_map(tags) | tag_map(properties.get(TAGS))
    return {**properties, TAGS: [{"Key": key, "Value": value} for key, value in merged.items()]}


def _detail(name: str, value: Any, is_known: bool, present: Resource) -> dict[str, Any]:
    replaces = resource_type(present.type).needs_replacement(present.properties, present.properties | {name: value})
    recreation = ("Always" if is_known else "Conditionally") if replaces else "Never"
    attribute = "Tags" if name == TAGS else "Properties"
    return {
        "Target": {"Attribute": attribute, "Name": name, "RequiresRecreation": recreation},
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
