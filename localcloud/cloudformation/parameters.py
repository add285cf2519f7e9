"""Parameters of a template: defaults, previous values, constraints, and values that come from SSM."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.cloudformation.errors import ValidationError

_SSM_VALUE = "AWS::SSM::Parameter::Value<"
PARAMETER_TYPES = frozenset(
    {
        "String",
        "Number",
        "List<Number>",
        "CommaDelimitedList",
        "AWS::SSM::Parameter::Name",
        *(f"{_SSM_VALUE}{kind}>" for kind in ("String", "List<String>", "CommaDelimitedList")),
    }
)


@dataclass(frozen=True)
class Parameter:
    """A parameter's value as given, and what it stands for (they differ for SSM parameters)."""

    given: str
    resolved: Any
    from_ssm: bool = False
    no_echo: bool = False


def resolve_parameters(
    definitions: dict[str, dict[str, Any]],
    given: list[dict[str, Any]],
    previous: dict[str, Parameter],
    read_ssm: Callable[[str], str],
) -> dict[str, Parameter]:
    """A value for every parameter; `read_ssm` gives the value of an SSM parameter by name."""
    for definition in definitions.values():
        if definition.get("Type") not in PARAMETER_TYPES:
            raise ValidationError(f"Template format error: Unrecognized parameter type: {definition.get('Type')}")
    values = _given_values(definitions, given, previous)
    missing = [name for name, definition in definitions.items() if name not in values and "Default" not in definition]
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        name: _resolved(name, definition, values.get(name, definition.get("Default")), read_ssm)
        for name, definition in definitions.items()
    }


def _given_values(
    definitions: dict[str, Any], given: list[dict[str, Any]], previous: dict[str, Parameter]
) -> dict[str, Any]:
    unknown = [one["ParameterKey"] for one in given if one["ParameterKey"] not in definitions]
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values = {}
    for one in given:
        name = one["ParameterKey"]
        if not one.get("UsePreviousValue"):
            values[name] = one.get("ParameterValue", "")
        elif name in previous:
            values[name] = previous[name].given
        else:
            raise ValidationError(f"Parameters: [{name}] must have values")
    return values


def _resolved(name: str, definition: dict[str, Any], value: Any, read_ssm: Callable[[str], str]) -> Parameter:
    kind = definition["Type"]
    text = ",".join(map(str, value)) if isinstance(value, list) else _as_text(value)
    _check_constraints(name, definition, text)
    from_ssm = kind.startswith(_SSM_VALUE)
    resolved: Any = read_ssm(text) if from_ssm else text
    if "List" in kind:
        resolved = [part.strip() for part in resolved.split(",")] if resolved else []
    return Parameter(text, resolved, from_ssm, str(definition.get("NoEcho", False)).lower() == "true")


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_constraints(name: str, definition: dict[str, Any], text: str) -> None:
    allowed = definition.get("AllowedValues")
    if allowed is not None and text not in [_as_text(one) for one in allowed]:
        raise ValidationError(_refusal(name, definition, f"must be one of the allowed values {allowed}"))
    pattern = definition.get("AllowedPattern")
    if pattern is not None and re.fullmatch(str(pattern), text) is None:
        raise ValidationError(_refusal(name, definition, f"must match pattern {pattern}"))
    if definition["Type"] == "Number":
        _check_range(name, definition, text)
    elif not int(definition.get("MinLength", 0)) <= len(text) <= int(definition.get("MaxLength", len(text))):
        raise ValidationError(_refusal(name, definition, "has a length that is not allowed"))


def _check_range(name: str, definition: dict[str, Any], text: str) -> None:
    try:
        number = float(text)
    except ValueError as error:
        raise ValidationError(_refusal(name, definition, "must be a number")) from error
    if not float(definition.get("MinValue", number)) <= number <= float(definition.get("MaxValue", number)):
        raise ValidationError(_refusal(name, definition, "is out of range"))


def _refusal(name: str, definition: dict[str, Any], why: str) -> str:
    description = definition.get("ConstraintDescription")
    return f"Parameter '{name}' {why}" if description is None else f"Parameter {name} failed to satisfy: {description}"
