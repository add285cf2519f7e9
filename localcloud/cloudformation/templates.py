"""Templates: reading JSON and YAML, and what a template must be before anything is deployed."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.intrinsics import FUNCTIONS, PREDICATES
from localcloud.cloudformation.parameters import PARAMETER_TYPES
from localcloud.cloudformation.references import functions, references
from localcloud.cloudformation.resource_type import ResourceType, resource_type, words

_SECTIONS = words(
    "AWSTemplateFormatVersion Description Metadata Parameters Rules Mappings Conditions Resources Outputs Transform"
)
_LOGICAL = ("Fn::And", "Fn::Or", "Fn::Not")
_LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
_EXTENDED = {"Fn::Length", "Fn::ToJsonString"}
_POLICIES = {
    "DeletionPolicy": ("deletion policy", ("Delete", "Retain", "RetainExceptOnCreate")),
    "UpdateReplacePolicy": ("update replace policy", ("Delete", "Retain")),
}
LONGEST_BODY = 51_200
LONGEST_TEMPLATE = 1_000_000
_RESOURCE_KEYS = words("Type Properties DependsOn Condition Metadata DeletionPolicy UpdateReplacePolicy")
_PSEUDO_PARAMETERS = words(
    "AWS::AccountId AWS::NotificationARNs AWS::NoValue AWS::Partition AWS::Region AWS::StackId AWS::StackName "
    "AWS::URLSuffix"
)
CARRIED_OUT = {
    "sections": _SECTIONS,
    "functions": frozenset({*FUNCTIONS, *PREDICATES, *_LOGICAL}),
    "transforms": frozenset({_LANGUAGE_EXTENSIONS}),
    "of a resource": _RESOURCE_KEYS,
    "deletion policies": frozenset(_POLICIES["DeletionPolicy"][1]),
    "update replace policies": frozenset(_POLICIES["UpdateReplacePolicy"][1]),
    "pseudo parameters": _PSEUDO_PARAMETERS,
    "parameter types": PARAMETER_TYPES,
    "dynamic references": words("ssm secretsmanager"),
}
_MOST_RESOURCES = 500


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: short forms of functions, and dates stay text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: str(text).split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]  # only mappings are left


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Template:
    """A template as text and as data."""

    text: str
    data: dict[str, Any]

    def section(self, name: str) -> dict[str, Any]:
        """A top-level section, empty when the template has none."""
        return self.data.get(name) or {}

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Resource definitions by logical id."""
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        """What the template says it is."""
        return self.data.get("Description")

    @cached_property
    def dependencies(self) -> dict[str, set[str]]:
        """The logical ids that each resource refers to or depends on."""
        known = set(self.resources)
        return {name: _depends_on(definition, known) - {name} for name, definition in self.resources.items()}

    def type_of(self, logical_id: str) -> ResourceType:
        """The resource type of a logical id; the template was validated."""
        return resource_type(self.resources[logical_id]["Type"])


EMPTY = Template("{}", {})


def parse(text: str, longest: int = LONGEST_TEMPLATE) -> Template:
    """The template that `text` is, JSON or YAML; raises ValidationError when it is neither, or too long."""
    if len(text.encode()) > longest:
        raise ValidationError(f"Template may not exceed {longest} bytes in size.")
    try:
        data = json.loads(text)
    except ValueError:
        try:
            data = yaml.load(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise ValidationError(f"Template format error: YAML not well-formed. {error}") from error
    if not isinstance(data, dict):
        raise ValidationError("Template format error: unsupported structure.")
    return Template(text, data)


def validate(template: Template) -> None:
    """Everything in the template is something that this engine carries out; raises ValidationError otherwise."""
    unknown = set(template.data) - _SECTIONS
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(sorted(unknown))}]")
    _require_known_functions(template)
    if not template.resources:
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    if len(template.resources) > _MOST_RESOURCES:
        raise ValidationError(
            f"Template format error: Number of resources, {len(template.resources)}, is greater than maximum "
            f"allowed, {_MOST_RESOURCES}"
        )
    _require_known_types(template)
    for logical_id, definition in template.resources.items():
        _validate_resource(template, logical_id, definition)
    for section in ("Resources", "Outputs"):
        _require_known_references(template, section)
    deployment_order(template.dependencies)


def deployment_order(dependencies: dict[str, set[str]]) -> list[str]:
    """Logical ids such that each comes after what it depends on; raises ValidationError for a circle."""
    order: list[str] = []
    waiting = {name: set(needs) & set(dependencies) for name, needs in dependencies.items()}
    while waiting:
        ready = [name for name, needs in waiting.items() if not needs]
        if not ready:
            raise ValidationError(f"Circular dependency between resources: [{', '.join(sorted(waiting))}]")
        order.extend(ready)
        for name in ready:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(ready)
    return order


def _require_known_functions(template: Template) -> None:
    transforms = template.data.get("Transform") or []
    for transform in [transforms] if isinstance(transforms, str) else transforms:
        if transform != _LANGUAGE_EXTENSIONS:
            raise ValidationError(f"No transform named {transform} found. (The local cloud has no macros.)")
    supported = CARRIED_OUT["functions"] - {"Ref"} - (set() if transforms else _EXTENDED)
    used = {name for section in _SECTIONS - {"Metadata"} for name in functions(template.data.get(section))}
    if used - supported:
        raise ValidationError(
            f"Template format error: Encountered unsupported function: {sorted(used - supported)[0]} "
            f"Supported functions are: [{', '.join(sorted(supported))}]"
        )


def _require_known_types(template: Template) -> None:
    unknown = set()
    for logical_id, definition in template.resources.items():
        if not isinstance(definition, dict) or "Type" not in definition:
            raise ValidationError(
                f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
            )
        try:
            resource_type(definition["Type"])
        except KeyError:
            unknown.add(definition["Type"])
    if unknown:
        raise ValidationError(f"Template format error: Unrecognized resource types: [{', '.join(sorted(unknown))}]")


def _validate_resource(template: Template, logical_id: str, definition: dict[str, Any]) -> None:
    unknown = set(definition) - _RESOURCE_KEYS
    if unknown:
        raise ValidationError(
            f"Invalid template resource property '{sorted(unknown)[0]}' of {logical_id}: the local cloud does not do it"
        )
    for name, (what, allowed) in _POLICIES.items():
        if definition.get(name, "Delete") not in allowed:
            raise ValidationError(
                f"Template error: resource type {definition['Type']} does not support {what} {definition[name]}"
            )
    condition = definition.get("Condition")
    if condition is not None and condition not in template.section("Conditions"):
        raise ValidationError(
            f"Template format error: Unresolved condition dependency {condition} in the Resources block of the template"
        )


def _require_known_references(template: Template, section: str) -> None:
    known = set(template.resources) | set(template.section("Parameters")) | _PSEUDO_PARAMETERS
    for reference in references(template.section(section)):
        if reference.name not in known:
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{reference.name}] in the {section} block "
                "of the template"
            )
        if reference.attribute is not None and reference.name in template.resources:
            kind = template.type_of(reference.name)
            if not kind.has_attribute(reference.attribute):
                raise ValidationError(
                    f"Template error: resource {reference.name} does not support attribute type "
                    f"{reference.attribute} in Fn::GetAtt"
                )


def _depends_on(definition: dict[str, Any], known: set[str]) -> set[str]:
    explicit = definition.get("DependsOn") or []
    named = {explicit} if isinstance(explicit, str) else set(explicit)
    return (named | {reference.name for reference in references(definition.get("Properties"))}) & known
