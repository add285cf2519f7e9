"""From a file to a Spec, with errors that name the line and the nearest valid key."""

import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trimtab.errors import SpecError
from trimtab.spec.base import nearest
from trimtab.spec.model import Spec

Path_ = tuple[str | int, ...]


def load_spec_file(path: Path) -> Spec:
    """The spec in ``path``. Raises SpecError with one line per mistake, each starting with file:line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: cannot be read: {error}") from error
    return parse_spec(text, str(path))


def parse_spec(text: str, source: str = "model.yaml") -> Spec:
    """The spec in ``text`` (YAML or JSON); ``source`` is what errors call the file."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpecError(f"{source}:{line}: not valid YAML: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # no text, a date that is none, a thousand brackets
        raise SpecError(f"{source}: not valid YAML: {error}") from error
    if not isinstance(document, dict):
        raise SpecError(f"{source}:1: expected a mapping that starts with 'name:', found {type(document).__name__}")
    lines = _lines(tree, ())
    _refuse_repeated_keys(tree, source)
    try:
        return Spec.model_validate(document)
    except ValidationError as error:
        raise SpecError("\n".join(_explain(detail, lines, source) for detail in _causes(error, lines))) from error


def _causes(error: ValidationError, lines: dict[Path_, int]) -> list[ErrorDetails]:
    """The mistakes without those that follow from another.

    A list whose items are wrong also counts as too short, and what fits one form of several has the wrong type for
    the others.
    """
    found = error.errors()
    places = [_place(detail, lines) for detail in found]
    told: dict[Path_, ErrorDetails] = {}
    for detail, at in zip(found, places, strict=True):
        others = [(each, other) for each, other in zip(found, places, strict=True) if other[: len(at)] == at]
        if detail["type"] == "too_short" and any(other != at for _, other in others):
            continue
        if detail["type"].endswith("_type") and any(not each["type"].endswith("_type") for each, _ in others):
            continue
        told[at] = _either(told[at], detail) if at in told else detail
    return list(told.values())


def _either(first: ErrorDetails, second: ErrorDetails) -> ErrorDetails:
    """One mistake of two that are told of the same place: what fits no form of several."""
    both = first.copy()
    both["msg"] += f", or {second['msg'].removeprefix('Input should be ')}"
    return both


def _place(detail: ErrorDetails, lines: dict[Path_, int]) -> Path_:
    """Where in the document: without the names of a union's members, with the key that is missing or unknown."""
    at: Path_ = ()
    for part in detail["loc"]:
        if (*at, part) in lines:
            at = (*at, part)
    return (*at, detail["loc"][-1]) if detail["type"] == "missing" else at


def _lines(node: yaml.Node | None, at: Path_) -> dict[Path_, int]:
    """Line (from 1) at which each key or item stands."""
    found: dict[Path_, int] = {at: node.start_mark.line + 1} if node is not None else {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            found |= _lines(value, (*at, key.value))
            found[(*at, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            found |= _lines(item, (*at, index))
    return found


def _refuse_repeated_keys(node: yaml.Node | None, source: str) -> None:
    """YAML keeps the last of two equal keys without a word; a contract must not."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise SpecError(f"{source}:{line}: '{key.value}' stands twice, first on line {seen[key.value]}")
            seen[key.value] = line
            _refuse_repeated_keys(value, source)


def _explain(detail: ErrorDetails, lines: dict[Path_, int], source: str) -> str:
    at = _place(detail, lines)
    line = next((lines[at[:size]] for size in range(len(at), -1, -1) if at[:size] in lines), 1)
    where = ".".join(str(part) for part in at) or "the file"
    if detail["type"] == "extra_forbidden":
        return f"{source}:{line}: unknown key '{where}'{_nearest(detail['loc'])}"
    if detail["type"] == "missing":
        return f"{source}:{line}: '{where}' is required"
    message = _in_words(detail)
    shown = "" if isinstance(detail["input"], dict | None) or not at else f" (found {detail['input']!r})"
    return f"{source}:{line}: {where}: {message}{shown}"


def _in_words(detail: ErrorDetails) -> str:
    """The message, with the nearest name where one of a list was expected."""
    given, context = detail["input"], detail.get("ctx", {})
    if detail["type"] == "union_tag_invalid":
        tags = context["expected_tags"]
        return f"'{context['tag']}' is none of {tags}{nearest(context['tag'], tags.replace(chr(39), '').split(', '))}"
    message = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "literal_error" and isinstance(given, str):
        return message + nearest(given, re.findall(r"'([^']*)'", context["expected"]))
    return message


def _nearest(at: Path_) -> str:
    """A suggestion among the keys allowed where ``at`` stands."""
    allowed = _allowed_keys(Spec, at[:-1])
    return nearest(str(at[-1]), allowed) or f"; allowed here: {', '.join(sorted(allowed))}"


def _allowed_keys(model: Any, path: Path_) -> list[str]:
    for part in path:
        model = _child(model, part)
    return list(model.model_fields) if isinstance(model, type) and issubclass(model, BaseModel) else []


def _child(model: Any, part: str | int) -> Any:
    if isinstance(model, UnionType):
        tagged = next((each for each in get_args(model) if _tag(each) == part), None)
        return tagged or next((found for each in get_args(model) if (found := _child(each, part))), None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        field = model.model_fields.get(str(part))
        return field.annotation if field else None
    arguments = [each for each in get_args(model) if each is not Ellipsis]
    inner = arguments[-1] if arguments else None
    return get_args(inner)[0] if get_origin(inner) is Annotated else inner


def _tag(model: Any) -> str | None:
    """What names a member of a union by its field ``do``."""
    field = getattr(model, "model_fields", {}).get("do")
    return str(get_args(field.annotation)[0]) if field else None
