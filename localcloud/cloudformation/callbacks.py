"""Where functions of custom resources send their answers: a path of this server, one for each request."""

import contextlib
import json
import queue
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localcloud.locks import read_body

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/cloudformation-custom-resource-response/"


@dataclass
class Callback:
    """One awaited answer."""

    url: str
    _answers: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def arrive(self, answer: dict[str, Any]) -> None:
        """The answer is there."""
        self._answers.put(answer)

    def wait(self, seconds: float) -> dict[str, Any] | None:
        """The answer, or None when there is none in `seconds`."""
        with contextlib.suppress(queue.Empty):
            return self._answers.get(timeout=seconds)
        return None


class Callbacks:
    """All awaited answers of one cloud; a URL works once."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._open: dict[str, Callback] = {}

    def open(self) -> Callback:
        """A new callback with a URL that nobody can guess."""
        token = secrets.token_urlsafe(24)
        self._open[token] = Callback(f"{self._endpoint}{PATH}{token}")
        return self._open[token]

    def middleware(self, app: "WSGIApplication") -> "WSGIApplication":
        """Answers that are PUT to a callback's URL reach whoever waits."""

        def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "")
            if not path.startswith(PATH):
                return app(environ, start_response)
            callback = self._open.pop(path.removeprefix(PATH), None)
            if callback is None or environ["REQUEST_METHOD"] != "PUT":
                start_response("403 Forbidden", [("Content-Length", "0")])
                return []
            callback.arrive(json.loads(read_body(environ)))
            start_response("200 OK", [("Content-Length", "0")])
            return []

        return run
