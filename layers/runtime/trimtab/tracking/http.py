"""A tracking server by HTTP, with Python's own client."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.errors import ServiceRefused
from trimtab.tracking.mlflow import Exists, Missing

SECONDS = 20
_ERRORS = {"RESOURCE_DOES_NOT_EXIST": Missing, "RESOURCE_ALREADY_EXISTS": Exists}
Headers = Mapping[str, str]


def _unsigned(method: str, url: str, body: bytes, headers: Headers) -> Headers:
    return headers


@dataclass(frozen=True)
class HttpServer:
    """A server of MLflow at a URL."""

    address: str
    sign: Callable[[str, str, bytes, Headers], Headers] = _unsigned
    """(method, URL, body, headers) → the headers to send."""

    def send(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The answer's JSON. Raises Missing, Exists or ServiceRefused, also when nobody answers."""
        url = f"{self.address.rstrip('/')}{path}"
        kind = "application/octet-stream" if method == "PUT" else "application/json"
        headers = self.sign(method, url, body or b"", {"Content-Type": kind})
        request = urllib.request.Request(url, data=body, method=method, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return _parsed(answer.read())
        except urllib.error.HTTPError as error:
            raise _refusal(error, url) from error
        except (OSError, ValueError) as error:
            raise ServiceRefused(f"{url} does not answer: {error}") from error


def _parsed(body: bytes) -> dict[str, Any]:
    found = json.loads(body or b"{}")
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def _refusal(error: urllib.error.HTTPError, url: str) -> ServiceRefused:
    """The server's own reason, in its class where MLflow has one."""
    text = error.read().decode(errors="replace")
    try:
        said = _parsed(text.encode())
    except ValueError:
        said = {}
    kind = _ERRORS.get(str(said.get("error_code")), ServiceRefused)
    return kind(f"{url} answers {error.code}: {str(said.get('message') or text)[:300]}")
