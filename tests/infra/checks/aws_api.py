"""Tasks of a state machine against botocore's models of the APIs that they call."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.model import OperationModel, Shape

_RESOURCE = re.compile(r"arn:[^:]+:states:::(?:aws-sdk:)?([^:]+):([A-Za-z0-9]+)(?:\.(sync(?::2)?|waitForTaskToken))?")
_SCALARS = {"string": str, "integer": int, "long": int, "boolean": bool}
_JSON_TEXT = {"PutEventsRequestEntry": {"Detail"}}
"""Members that the API wants as JSON text and Step Functions takes as an object."""


def api_call(resource: str) -> tuple[str, str, str] | None:
    """Service, operation and pattern of a task's resource; None for a Lambda function's ARN."""
    match = _RESOURCE.fullmatch(resource)
    if match is None:
        return None
    service, action, pattern = match.groups()
    return service, action[0].upper() + action[1:], pattern or ""


@cache
def operation(service: str, name: str) -> OperationModel:
    """Raises when there is no such service or operation."""
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def problems(state: dict[str, Any]) -> Iterator[str]:
    """One sentence for each way in which a task's parameters would be refused by the API."""
    call = api_call(state["Resource"])
    if call is None:
        return
    shape = operation(call[0], call[1]).input_shape
    assert shape is not None
    yield from _compare(state["Parameters"], shape, call[1])


def _compare(value: Any, shape: Shape, where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _compare_structure(value, shape, where)
    elif shape.type_name == "list":
        yield from _compare_list(value, shape, where)
    elif shape.type_name == "map":
        for key, inner in value.items():
            yield from (_path if key.endswith(".$") else _compare)(inner, shape.value, f"{where}.{key}")
    else:
        yield from _compare_scalar(value, shape, where)


def _compare_structure(value: Any, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {shape.name} is an object, not {value!r}"
        return
    given = {key.removesuffix(".$") for key in value}
    for name in given - set(shape.members):
        yield f"{where}: {shape.name} has no {name}"
    for name in set(shape.required_members) - given:
        yield f"{where}: {shape.name} needs {name}"
    for key, inner in value.items():
        if key.endswith(".$"):
            yield from _path(inner, shape, f"{where}.{key}")
        elif key in shape.members and key not in _JSON_TEXT.get(shape.name, ()):
            yield from _compare(inner, shape.members[key], f"{where}.{key}")


def _path(value: Any, _shape: Shape, where: str) -> Iterator[str]:
    if not str(value).startswith(("$", "States.")):
        yield f"{where}: {value!r} is neither a path nor an intrinsic"


def _compare_list(value: Any, shape: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: a list is wanted, not {value!r}"
        return
    if len(value) > shape.metadata.get("max", len(value)):
        yield f"{where}: at most {shape.metadata['max']} entries are allowed"
    for index, inner in enumerate(value):
        yield from _compare(inner, shape.member, f"{where}[{index}]")


def _compare_scalar(value: Any, shape: Shape, where: str) -> Iterator[str]:
    wanted = _SCALARS.get(shape.type_name, (int, float))
    if not isinstance(value, wanted) or (wanted is not bool and wanted is not str and isinstance(value, bool)):
        yield f"{where}: {shape.type_name} is wanted, not {value!r}"
        return
    if value not in (getattr(shape, "enum", None) or [value]):
        yield f"{where}: {value!r} is not one of {shape.enum}"
    if isinstance(value, str) and value.startswith("$"):
        yield f"{where}: {value!r} looks like a path, but the key does not end in .$"
    size = len(value) if isinstance(value, str) else value
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if isinstance(size, int | float) and not (least or size) <= size <= (most or size):
        yield f"{where}: {value!r} is outside {least} to {most}"
