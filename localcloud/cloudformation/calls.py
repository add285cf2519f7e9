"""Calls of this server's AWS APIs that rows of the type tables write as text, in the shape botocore's model asks for.

A call is an operation and its arguments: `delete_schedule Name={ref} GroupName` gives the physical id as Name and the
property GroupName under its own name; `*` stands for every property that the operation has an argument for; what has
no value is left out. Templates are looser than APIs (numbers and booleans may be text, documents may be objects, names
may begin with another case), and that is put right; what a model does not know at all is refused, so that no nested
property is lost silently.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed

_FIELD = re.compile(r"\{([\w.]+)\}")


def call(client: Any, text: str, properties: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the call that `text` is; `properties` are what `*` stands for, `values` what fields stand for."""
    operation, *words = text.split()
    arguments: dict[str, Any] = {}
    for word in words:
        name, given, template = word.partition("=")
        if name == "*":
            known = {member.lower() for member in _input(client, operation).members}
            arguments |= {key: value for key, value in properties.items() if key.lower() in known}
        else:
            arguments[name] = fill(template if given else f"{{{name}}}", values)
    return forward(client, operation, arguments)


def fill(template: str, values: Mapping[str, Any]) -> Any:
    """`template` with `{name}` and `{name.member}` replaced; a lone field gives the value itself, or None."""
    whole = _FIELD.fullmatch(template)
    if whole:
        return _look_up(whole[1], values)
    return _FIELD.sub(lambda match: str(_look_up(match[1], values)), template)


def forward(client: Any, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `client.<operation>`; raises ResourceFailed for an argument that the API does not have."""
    given = {key: value for key, value in arguments.items() if value is not None}
    shaped = _structure(given, _input(client, operation), client.meta.method_to_api_mapping[operation])
    answer: dict[str, Any] = getattr(client, operation)(**shaped)
    return answer


def tag_map(tags: Any) -> dict[str, str]:
    """Tags of a template, a list of pairs or a mapping, as a mapping."""
    if isinstance(tags, Mapping):
        return {name: str(value) for name, value in tags.items()}
    return {tag["Key"]: str(tag["Value"]) for tag in tags or []}


def _look_up(path: str, values: Mapping[str, Any]) -> Any:
    found: Any = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _input(client: Any, operation: str) -> Any:
    return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ResourceFailed(f"{path} must be an object, not {value!r}")
    by_name = {name.lower(): name for name in shape.members}
    shaped = {}
    for key, one in value.items():
        member = key if key in shape.members else by_name.get(key.lower())
        if member is None:
            raise ResourceFailed(f"{path} has no {key}: the local cloud cannot carry it out")
        convert = _tags if member.lower() == "tags" else _shaped
        shaped[member] = convert(one, shape.members[member], f"{path}.{member}")
    return shaped


def _shaped(value: Any, shape: Any, path: str) -> Any:
    convert = _CONVERT.get(shape.type_name)
    return value if convert is None else convert(value, shape, path)


def _tags(value: Any, shape: Any, _path: str) -> Any:
    """Tags as this API wants them: a mapping, or pairs with its own two names."""
    if shape.type_name == "map":
        return tag_map(value)
    key, text = sorted(shape.member.members, key=lambda name: "key" not in name.lower())
    return [{key: name, text: one} for name, one in tag_map(value).items()]


def _list(value: Any, shape: Any, path: str) -> list[Any]:
    items = value if isinstance(value, list) else [value]
    return [_shaped(one, shape.member, f"{path}[{index}]") for index, one in enumerate(items)]


def _map(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ResourceFailed(f"{path} must be an object, not {value!r}")
    return {key: _shaped(one, shape.value, f"{path}.{key}") for key, one in value.items()}


def _text(value: Any, shape: Any, path: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    allowed = getattr(shape, "enum", [])
    if allowed and text not in allowed:
        raise ResourceFailed(f"{path} must be one of {', '.join(allowed)}, not {text}")
    return text


def _boolean(value: Any, _shape: Any, path: str) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ResourceFailed(f"{path} must be true or false, not {value!r}")
    return str(value).lower() == "true"


def _number(kind: Callable[[Any], Any]) -> Callable[[Any, Any, str], Any]:
    def convert(value: Any, _shape: Any, path: str) -> Any:
        try:
            return kind(value)
        except (TypeError, ValueError) as error:
            raise ResourceFailed(f"{path} must be a number, not {value!r}") from error

    return convert


_CONVERT: dict[str, Callable[[Any, Any, str], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _text,
    "boolean": _boolean,
    "integer": _number(int),
    "long": _number(int),
    "double": _number(float),
    "float": _number(float),
}
