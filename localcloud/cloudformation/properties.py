"""Small conversions that several resource types share."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from localcloud.cloudformation.errors import ResourceFailed

_STABLE_SECONDS = 120
_POLL_SECONDS = 0.05


def pick(properties: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Those of `names` that are given."""
    return {name: properties[name] for name in names if name in properties}


def tag_list(properties: dict[str, Any], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """The Tags property as a list of pairs, with the member names that the API uses."""
    return [{key: name, value: text} for name, text in tag_map(properties).items()]


def tag_map(properties: dict[str, Any]) -> dict[str, str]:
    """The Tags property as a mapping."""
    tags = properties.get("Tags") or []
    if isinstance(tags, dict):
        return {name: str(value) for name, value in tags.items()}
    return {tag["Key"]: str(tag["Value"]) for tag in tags}


def as_json(value: Any) -> str:
    """A document as text; text stays as it is."""
    return value if isinstance(value, str) else json.dumps(value)


def is_true(value: Any) -> bool:
    """Whether a boolean property, perhaps given as text, is true."""
    return str(value).lower() == "true"


def wait_until(is_stable: Callable[[], bool], what: str) -> None:
    """`is_stable()` is true; raises ResourceFailed when that takes too long."""
    deadline = time.monotonic() + _STABLE_SECONDS
    while not is_stable():
        if time.monotonic() > deadline:
            raise ResourceFailed(f"{what} did not stabilize")
        time.sleep(_POLL_SECONDS)
