"""What is secret about a receiver: its address, and the keys that sign what it is sent."""

import json
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from trimtab.errors import SettingsError
from trimtab.spec.receivers import Receiver

SHORTEST_KEY: Final = 32
"""Characters: 128 bits in hexadecimal digits."""


@dataclass(frozen=True)
class Secret:
    """Never shown: not in an error, not in a log."""

    url: str = field(repr=False)
    keys: tuple[str, ...] = field(default=(), repr=False)
    """All of them sign; more than one while a key is being changed."""
    ca: str = field(default="", repr=False)
    """Certificates of the authority that is trusted in place of the public ones, PEM."""


def read_secret(receiver: Receiver, text: str) -> Secret:
    """What lies in the parameter. Raises SettingsError that says what is missing, and nothing of what is there."""
    given = _parsed(text)
    secret = Secret(_text(given, "url"), _keys(given), _text(given, "ca"))
    wrong = _wrong(receiver, secret)
    if wrong:
        raise SettingsError(f"the parameter {receiver.parameter} of receiver '{receiver.name}': {wrong}")
    return secret


def _parsed(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name, "")
    return value if isinstance(value, str) else ""


def _keys(given: dict[str, Any]) -> tuple[str, ...]:
    listed = given.get("keys", [])
    return tuple(map(str, listed)) if isinstance(listed, list) else ()


def _wrong(receiver: Receiver, secret: Secret) -> str:
    if not secret.url:
        return 'write JSON with "url" into it'
    if not _is_address(secret.url):
        return 'its "url" has to begin with https:// and have a host, no user, no password and no spaces'
    if receiver.kind == "webhook" and not secret.keys:
        return 'write "keys" into it, a list of one key or two'
    if any(len(key) < SHORTEST_KEY for key in secret.keys):
        return f"a key has to have {SHORTEST_KEY} characters and more: openssl rand -hex 32"
    return ""


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url
    return plain and parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and port != 0
