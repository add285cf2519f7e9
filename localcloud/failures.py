"""What moto cannot do, or fails at, answered as an AWS error instead of an HTML page."""

import sys
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from localcloud.iam.calls import CannotUnderstand, understand
from localcloud.wire import error_response, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PAGE = b"<!doctype html>"
_LONGEST_PAGE = 5000


def middleware(app: "WSGIApplication") -> "WSGIApplication":
    """No exception leaves: a missing operation is a 400 that clients do not retry, all else a logged 500."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        held = _HeldStart(start_response)
        try:
            answer = app(environ, held)
            if held.may_be_an_error_page():
                body = b"".join(answer)
                if body.startswith(_PAGE):
                    raise NotImplementedError("no such path")
                answer = [body]
            held.release()
            return answer
        except NotImplementedError as error:
            return _unknown_operation(environ, start_response, error)
        except Exception as error:  # the boundary to moto: whatever it is, the client gets an AWS error
            return _internal_failure(environ, start_response, error)

    return run


class _HeldStart:
    """Keeps the status and headers until it is known whether they are an answer."""

    def __init__(self, start_response: "StartResponse") -> None:
        self._start_response = start_response
        self._arguments: tuple[Any, ...] = ()

    def __call__(self, *arguments: Any) -> Any:
        self._arguments = arguments
        return lambda _data: None

    def may_be_an_error_page(self) -> bool:
        status, headers = self._arguments[:2]
        found = {name.lower(): value for name, value in headers}
        is_short = int(found.get("content-length", 0)) < _LONGEST_PAGE
        return status[0] in "45" and is_short and found.get("content-type", "").startswith("text/html")

    def release(self) -> None:
        self._start_response(*self._arguments)


def _unknown_operation(
    environ: "WSGIEnvironment", start_response: "StartResponse", error: NotImplementedError
) -> list[bytes]:
    message = f"The local cloud does not do {_named(environ)}: {error or 'not implemented'}"
    print(message, file=sys.stderr, flush=True)
    return error_response(environ, start_response, "400 Bad Request", "UnknownOperationException", message)


def _internal_failure(environ: "WSGIEnvironment", start_response: "StartResponse", error: Exception) -> list[bytes]:
    print(f"{_named(environ)} failed:", file=sys.stderr)
    traceback.print_exc()
    message = f"{_named(environ)} failed inside the local cloud: {type(error).__name__}: {error}"
    return error_response(environ, start_response, "500 Internal Server Error", "InternalFailure", message)


def _named(environ: "WSGIEnvironment") -> str:
    signed = signature(environ)
    if signed is None:
        return f"unsigned:{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"
    try:
        return f"{signed.service}:{understand(environ, signed, '').operation}"
    except CannotUnderstand:
        return f"{signed.service}:{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"
