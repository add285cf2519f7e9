"""What moto cannot do, or fails at, answered as an AWS error instead of an HTML page."""

import sys
import traceback
from collections.abc import Iterable
from typing import TYPE_CHECKING

from localcloud.wire import error_response, named_operation, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def middleware(app: "WSGIApplication") -> "WSGIApplication":
    """No exception leaves: a missing operation is a 400 that clients do not retry, all else a logged 500."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        try:
            return app(environ, start_response)
        except NotImplementedError as error:
            message = f"The local cloud does not do {_named(environ)}: {error or 'not implemented'}"
            print(message, file=sys.stderr, flush=True)
            return error_response(environ, start_response, "400 Bad Request", "UnknownOperationException", message)
        except Exception as error:  # the boundary to moto: whatever it is, the client gets an AWS error
            print(f"{_named(environ)} failed:", file=sys.stderr)
            traceback.print_exc()
            message = f"{_named(environ)} failed inside the local cloud: {type(error).__name__}: {error}"
            return error_response(environ, start_response, "500 Internal Server Error", "InternalFailure", message)

    return run


def _named(environ: "WSGIEnvironment") -> str:
    signed = signature(environ)
    operation = named_operation(environ) or f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '')}"
    return f"{signed.service if signed else 'unsigned'}:{operation}"
