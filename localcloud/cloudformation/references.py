"""Which resources and parameters a piece of a template refers to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

SUBSTITUTION = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True)
class Reference:
    """A Ref (attribute None), or a Fn::GetAtt."""

    name: str
    attribute: str | None = None


def references(node: Any) -> Iterator[Reference]:
    """Every Ref and Fn::GetAtt in `node`, also those inside Fn::Sub."""
    if isinstance(node, list):
        for item in node:
            yield from references(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _references_of(key, value)


def functions(node: Any) -> Iterator[str]:
    """The names of all functions in `node`, and of what looks like one."""
    if isinstance(node, list):
        for item in node:
            yield from functions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key.startswith("Fn::"):
                yield key
            yield from functions(value)


def split_attribute(value: Any) -> tuple[str, Any]:
    """The logical id and the attribute of a Fn::GetAtt, given as text or as a list."""
    if isinstance(value, str):
        name, _, attribute = value.partition(".")
        return name, attribute
    name, *attribute = value
    return name, attribute[0] if len(attribute) == 1 else ".".join(attribute)


def _references_of(key: str, value: Any) -> Iterator[Reference]:
    if key == "Ref" and isinstance(value, str):
        yield Reference(value)
    elif key == "Fn::GetAtt":
        name, attribute = split_attribute(value)
        yield Reference(name, attribute if isinstance(attribute, str) else None)
    elif key == "Fn::Sub":
        text, variables = (value, {}) if isinstance(value, str) else value
        yield from references(list(variables.values()))
        for literal, name in SUBSTITUTION.findall(text):
            if not literal and name not in variables:
                logical_id, dot, attribute = name.strip().partition(".")
                yield Reference(logical_id, attribute if dot else None)
    else:
        yield from references(value)
