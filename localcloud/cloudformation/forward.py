"""Calls an API of this server with properties of a template, put into the shape that botocore's model asks for.

Templates are looser than APIs: numbers and booleans may be text, member names may begin with another case. What a
model does not know at all is refused, so that no nested property is lost silently.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed


def forward(client: Any, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `client.<operation>`; raises ResourceFailed for an argument that the API does not have."""
    name = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(name).input_shape
    given = {key: value for key, value in arguments.items() if value is not None}
    answer: dict[str, Any] = getattr(client, operation)(**_structure(given, shape, name))
    return answer


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ResourceFailed(f"{path} must be an object, not {value!r}")
    by_name = {name.lower(): name for name in shape.members}
    shaped = {}
    for key, one in value.items():
        member = key if key in shape.members else by_name.get(key.lower())
        if member is None:
            raise ResourceFailed(f"{path} has no {key}: the local cloud cannot carry it out")
        shaped[member] = _shaped(one, shape.members[member], f"{path}.{member}")
    return shaped


def _shaped(value: Any, shape: Any, path: str) -> Any:
    convert = _CONVERT.get(shape.type_name)
    return value if convert is None else convert(value, shape, path)


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
    if isinstance(value, bool):
        return value
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
