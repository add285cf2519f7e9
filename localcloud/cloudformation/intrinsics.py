"""Evaluates the functions of a template (Ref, Fn::Sub, Fn::If and their like)."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.references import SUBSTITUTION, split_attribute

_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:([^:}]+):([^}]+)\}\}")
_ZONES = ("a", "b", "c")


class _NoValue:
    """The value of AWS::NoValue: the property or item is left out."""


NO_VALUE = _NoValue()


@dataclass
class Scope:
    """What names mean where a template is evaluated."""

    region: str
    values: dict[str, Any]  # parameters and pseudo parameters
    mappings: dict[str, Any]
    conditions: dict[str, bool] = field(default_factory=dict)
    physical_id: Callable[[str], str] = field(default=lambda name: _unresolved(name))
    attribute: Callable[[str, str], Any] = field(default=lambda name, _attribute: _unresolved(name))
    imported: Callable[[str], str] = field(default=lambda name: _unresolved(name))
    output_of: Callable[[Mapping[str, Any]], str] = field(default=lambda given: _unresolved(str(given)))


def _unresolved(name: str) -> Any:
    raise ValidationError(f"Template error: {name} cannot be used here")


def evaluate(node: Any, scope: Scope) -> Any:
    """`node` with every function replaced by its value."""
    if isinstance(node, dict):
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name in FUNCTIONS:
                return FUNCTIONS[name](argument, scope)
        pairs = ((key, evaluate(value, scope)) for key, value in node.items())
        return {key: value for key, value in pairs if value is not NO_VALUE}
    if isinstance(node, list):
        return [value for value in (evaluate(item, scope) for item in node) if value is not NO_VALUE]
    return node


def evaluate_conditions(definitions: dict[str, Any], scope: Scope) -> dict[str, bool]:
    """The truth of every condition, in whatever order they refer to each other."""
    found: dict[str, bool] = {}

    def truth(name: str) -> bool:
        if name not in definitions:
            raise ValidationError(f"Template format error: Unresolved condition dependency {name}")
        if name not in found:
            found[name] = _truth(definitions[name], scope, truth)
        return found[name]

    for name in definitions:
        truth(name)
    return found


def _truth(node: Any, scope: Scope, named: Callable[[str], bool]) -> bool:
    if isinstance(node, dict) and len(node) == 1:
        ((name, argument),) = node.items()
        if name == "Condition":
            return named(argument)
        if name == "Fn::Not":
            return not _truth(argument[0], scope, named)
        if name == "Fn::And":
            return all(_truth(one, scope, named) for one in argument)
        if name == "Fn::Or":
            return any(_truth(one, scope, named) for one in argument)
        if name in PREDICATES:
            return PREDICATES[name](*(evaluate(one, scope) for one in argument))
    raise ValidationError(f"Template error: the local cloud cannot decide the condition {json.dumps(node)}")


def check_rules(rules: dict[str, Any], scope: Scope) -> None:
    """Every assertion of the Rules section holds; raises ValidationError with its description otherwise."""
    for rule in rules.values():
        applies = rule.get("RuleCondition")
        if applies is not None and not _truth(applies, scope, scope.conditions.__getitem__):
            continue
        for assertion in rule.get("Assertions", []):
            if not _truth(assertion["Assert"], scope, scope.conditions.__getitem__):
                raise ValidationError(f"Template error: {assertion.get('AssertDescription', 'a rule does not hold')}")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PREDICATES: dict[str, Callable[..., bool]] = {
    "Fn::Equals": lambda left, right: _text(left) == _text(right),
    "Fn::Contains": lambda values, value: _text(value) in [_text(one) for one in values],
    "Fn::EachMemberEquals": lambda values, value: all(_text(one) == _text(value) for one in values),
    "Fn::EachMemberIn": lambda values, allowed: {_text(one) for one in values} <= {_text(one) for one in allowed},
}


def _ref(name: str, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return NO_VALUE
    return scope.values[name] if name in scope.values else scope.physical_id(name)


def _get_attribute(argument: Any, scope: Scope) -> Any:
    name, attribute = split_attribute(argument)
    return scope.attribute(name, evaluate(attribute, scope))


def _sub(argument: Any, scope: Scope) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument
    variables = {name: evaluate(value, scope) for name, value in given.items()}

    def value_of(match: re.Match[str]) -> str:
        literal, name = match[1], match[2].strip()
        if literal:
            return f"${{{match[2]}}}"
        if name in variables:
            return _text(variables[name])
        value = _get_attribute(name, scope) if "." in name else _ref(name, scope)
        return _text(value)

    return SUBSTITUTION.sub(value_of, text)


def _join(argument: Any, scope: Scope) -> str:
    separator, parts = argument
    return str(separator).join(_text(part) for part in evaluate(parts, scope))


def _split(argument: Any, scope: Scope) -> list[str]:
    separator, text = argument
    return str(evaluate(text, scope)).split(separator)


def _select(argument: Any, scope: Scope) -> Any:
    index, values = int(evaluate(argument[0], scope)), evaluate(argument[1], scope)
    if not 0 <= index < len(values):
        raise ValidationError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return values[index]


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, first, second, *rest = (evaluate(one, scope) for one in argument)
    try:
        return scope.mappings[name][_text(first)][_text(second)]
    except KeyError as error:
        if rest and "DefaultValue" in rest[0]:
            return rest[0]["DefaultValue"]
        raise ValidationError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from error


def _if(argument: Any, scope: Scope) -> Any:
    name, when_true, when_false = argument
    if name not in scope.conditions:
        raise ValidationError(f"Template error: unresolved condition {name} in Fn::If")
    return evaluate(when_true if scope.conditions[name] else when_false, scope)


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = evaluate(argument, scope) or scope.region
    return [f"{region}{zone}" for zone in _ZONES]


def resolve_dynamic(node: Any, resolve: Callable[[str, str], str]) -> Any:
    """`node` with `resolve(service, name)` for every dynamic reference in its texts."""
    if isinstance(node, dict):
        return {key: resolve_dynamic(value, resolve) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve_dynamic(item, resolve) for item in node]
    if isinstance(node, str) and "{{resolve:" in node:
        return _DYNAMIC_REFERENCE.sub(lambda match: resolve(match[1], match[2]), node)
    return node


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_attribute,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::FindInMap": _find_in_map,
    "Fn::If": _if,
    "Fn::ImportValue": lambda argument, scope: scope.imported(evaluate(argument, scope)),
    "Fn::GetStackOutput": lambda argument, scope: scope.output_of(evaluate(argument, scope)),
    "Fn::GetAZs": _zones,
    "Fn::Base64": lambda argument, scope: base64.b64encode(str(evaluate(argument, scope)).encode()).decode(),
    "Fn::ToJsonString": lambda argument, scope: json.dumps(evaluate(argument, scope), separators=(",", ":")),
    "Fn::Length": lambda argument, scope: len(evaluate(argument, scope)),
}
