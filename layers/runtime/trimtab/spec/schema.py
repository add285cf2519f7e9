"""The JSON Schema of model.yaml; what stands below each field of a section is its description there.

Pydantic can read these texts itself, but does so when a class is made, from its source: half of the time that importing
the spec took, in every function, although only editors are shown them.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from trimtab.spec.base import Section
from trimtab.spec.model import Spec

_Schema = dict[str, Any]


def json_schema() -> _Schema:
    """JSON Schema of model.yaml, for editors."""
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Spec.model_json_schema()}
    return described(found, Spec)


def described(schema: _Schema, root: type[Section]) -> _Schema:
    """The schema of ``root`` with a description of every field that has a text below it and none of its own."""
    parts = {section.__name__: section for section in _sections(Section)}
    defined = {
        name: _with_texts(part, parts[name]) if name in parts else part for name, part in schema["$defs"].items()
    }
    return _with_texts(schema | {"$defs": defined}, root)


def _sections(above: type[Section]) -> Iterator[type[Section]]:
    for section in above.__subclasses__():
        if section.__module__.startswith(__package__):
            yield section
        yield from _sections(section)


def _with_texts(schema: _Schema, section: type[Section]) -> _Schema:
    texts = _texts(section)
    properties = {
        name: dict(sorted(({"description": texts[name]} | held).items())) if name in texts else held
        for name, held in schema.get("properties", {}).items()
    }
    return schema | {"properties": properties} if properties else schema


def _texts(section: type[Section]) -> dict[str, str]:
    """By field; a section that refines another has the other's texts too."""
    found: dict[str, str] = {}
    for part in reversed(section.__mro__):
        if part is not Section and issubclass(part, Section):
            found |= _texts_below(_body(part))
    return found


def _body(section: type[Section]) -> list[ast.stmt]:
    module = ast.parse(inspect.getsource(sys.modules[section.__module__]))
    classes = (node for node in module.body if isinstance(node, ast.ClassDef) and node.name == section.__name__)
    return next(classes).body


def _texts_below(body: Iterable[ast.stmt]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, below in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and (text := _text(below)):
            found[field.target.id] = inspect.cleandoc(text)
    return found


def _text(statement: ast.stmt) -> str | None:
    held = statement.value if isinstance(statement, ast.Expr) else None
    return held.value if isinstance(held, ast.Constant) and isinstance(held.value, str) else None
