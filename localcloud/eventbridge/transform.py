"""What a target is sent: the event itself, a constant, a part of the event, or a template filled in from it.

Source: "Amazon EventBridge input transformation".
"""

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from localcloud.timestamps import iso_seconds

_PATH: Final = re.compile(r"\$(?:\.[\w/-]+|\[(?:\d+|'[^']+')\])*")
_STEP: Final = re.compile(r"\.([\w/-]+)|\[(\d+)\]|\['([^']+)'\]")
_PLACEHOLDER: Final = re.compile(r"<([\w.\-]+)>")
_PREDEFINED: Final = (
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event",
    "aws.events.event.json",
    "aws.events.event.ingestion-time",
)
_INPUT_FIELDS: Final = ("Input", "InputPath", "InputTransformer")


class InvalidInput(ValueError):
    """Raised when a target's input fields are not what EventBridge accepts."""


@dataclass(frozen=True)
class Occurrence:
    """An event that a rule matched, and when it was received (ISO 8601)."""

    event: dict[str, Any]
    rule_arn: str
    received_at: str


def envelope(arn: str, source: str, detail_type: str, detail: dict[str, Any], time: float) -> dict[str, Any]:
    """A new event, about no resource yet, in the account and region of `arn`, its bus or rule."""
    region, account = arn.split(":")[3:5]
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": iso_seconds(time),
        "region": region,
        "resources": [],
        "detail": detail,
    }


def validate_input(target: dict[str, Any]) -> None:
    """The target's input fields are well-formed. Raises InvalidInput otherwise."""
    given = [field for field in _INPUT_FIELDS if target.get(field) is not None]
    if len(given) > 1:
        raise InvalidInput(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
    if target.get("Input") is not None:
        _require_json(target["Input"])
    if target.get("InputPath") is not None:
        _require_path(target["InputPath"])
    if target.get("InputTransformer") is not None:
        _validate_transformer(target["Id"], target["InputTransformer"])


def body_of(target: dict[str, Any], occurrence: Occurrence) -> str:
    """The text that the target receives."""
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        return json.dumps(value_at(occurrence.event, target["InputPath"]))
    if target.get("InputTransformer") is not None:
        return _filled(target["InputTransformer"], occurrence)
    return json.dumps(occurrence.event)


def value_at(document: Any, path: str) -> Any:
    """What a JSON path selects, None when there is nothing."""
    for name, index, quoted in _STEP.findall(path[1:]):
        key: str | int = int(index) if index else name or quoted
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return None
    return document


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidInput(f"JSON syntax error in input: {error}") from error


def _require_path(path: str) -> None:
    if not _PATH.fullmatch(path):
        raise InvalidInput(f"Invalid InputPath: {path}; use dots, names and array indices, as in $.detail.items[0]")


def _validate_transformer(target_id: str, transformer: dict[str, Any]) -> None:
    paths = transformer.get("InputPathsMap") or {}
    for name, path in paths.items():
        if name.lower().startswith("aws."):
            raise InvalidInput(f"InputPathsMap may not define {name}: names that start with AWS. are reserved")
        _require_path(path)
    template = transformer.get("InputTemplate")
    if not template:
        raise InvalidInput("InputTemplate must not be empty")
    for name in _PLACEHOLDER.findall(template):
        if name not in paths and name not in _PREDEFINED:
            raise InvalidInput(f"InputTemplate for target {target_id} contains invalid placeholder {name}.")


def _filled(transformer: dict[str, Any], occurrence: Occurrence) -> str:
    values = _predefined(occurrence) | {
        name: value_at(occurrence.event, path) for name, path in (transformer.get("InputPathsMap") or {}).items()
    }
    template = transformer["InputTemplate"]
    return _PLACEHOLDER.sub(lambda found: _rendering(template, found)(values.get(found[1])), template)


def _predefined(occurrence: Occurrence) -> dict[str, Any]:
    event = occurrence.event
    return {
        "aws.events.rule-arn": occurrence.rule_arn,
        "aws.events.rule-name": occurrence.rule_arn.rsplit("/", 1)[-1],
        "aws.events.event": {key: value for key, value in event.items() if key != "detail"},
        "aws.events.event.json": event,
        "aws.events.event.ingestion-time": occurrence.received_at,
    }


def _rendering(template: str, placeholder: re.Match[str]) -> Callable[[Any], str]:
    return _as_text if _is_quoted(template, placeholder.start()) else _as_json


def _is_quoted(template: str, position: int) -> bool:
    return len(re.findall(r'(?<!\\)"', template[:position])) % 2 == 1


def _as_json(value: Any) -> str:
    return json.dumps("" if value is None else value)


def _as_text(value: Any) -> str:
    """Inside quotes a string is escaped and anything else loses its quotes, so that the template stays JSON."""
    if value is None:
        return ""
    text = json.dumps(value)
    return text[1:-1] if isinstance(value, str) else text.replace('"', "")
