"""Requests checked against the published API model: members, types, lengths, ranges, patterns and enums."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

Request = dict[str, Any]


@lru_cache(maxsize=1)
def _api() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"), "sagemaker")


@lru_cache(maxsize=256)
def _pattern(expression: str) -> re.Pattern[str] | None:
    """The API's (Java) pattern in Python's syntax; None for the few that Python does not know."""
    try:
        return re.compile(expression)
    except re.error:
        return None


def problems(operation: str, request: Request) -> list[str]:
    """What the API's own model objects to, one sentence each; empty when the request is well formed."""
    shape = _api().operation_model(operation).input_shape
    if shape is None:
        return []
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        return [report.generate_report()]
    return list(_constraints(shape, request, ""))


def _constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            yield from _constraints(shape.members[name], member, f"{path}.{_camel(name)}" if path else _camel(name))
    elif isinstance(shape, ListShape):
        yield from _outside(shape, len(value), value, path, "length")
        for index, member in enumerate(value, start=1):
            yield from _constraints(shape.member, member, f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        for key, member in value.items():
            yield from _constraints(shape.value, member, f"{path}.{key}")
    elif isinstance(value, str):
        yield from _text_constraints(shape, value, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _outside(shape, value, value, path, "value")


def _text_constraints(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _outside(shape, len(value), value, path, "length")
    allowed = shape.metadata.get("enum")
    if allowed and value not in allowed:
        yield _objection(value, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
    expression = shape.metadata.get("pattern")
    pattern = _pattern(expression) if expression else None
    if pattern is not None and pattern.fullmatch(value) is None:
        yield _objection(value, path, f"Member must satisfy regular expression pattern: {expression}")


def _outside(shape: Shape, size: float, value: Any, path: str, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield _objection(value, path, f"Member must have {what} greater than or equal to {least}")
    if most is not None and size > most:
        yield _objection(value, path, f"Member must have {what} less than or equal to {most}")


def _objection(value: Any, path: str, constraint: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]
