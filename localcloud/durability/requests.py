"""Requests that write are answered when what they have changed survives the end of this process."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from localcloud.cloud import Cloud
from localcloud.durability.kept import recording
from localcloud.locks import signing_service, whole_answer
from localcloud.wire import named_operation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# operations that change nothing, or whose changes nobody was promised
_READS: Final = re.compile(
    r"(BatchGet|Get|List|Describe|Head|Lookup|Query|Scan|Search|Select|Filter|Simulate|Test|Validate|Estimate|Preview"
    r"|Encrypt|Decrypt|ReEncrypt|GenerateDataKey|GenerateMac|GenerateRandom|Sign|Verify|TransactGet|StartSync)"
)
_RUNS_USER_CODE: Final = re.compile(r"/invocations$")


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Nobody is told of a change that a kill could still undo."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not writes(environ):
            return app(environ, start_response)
        answered: list[Any] = []

        def start(*arguments: Any) -> Any:
            answered[:] = arguments
            return lambda _data: None

        with recording(signing_service(environ) or "s3") as touched:
            body = whole_answer(app(environ, start))
        cloud.durable.settle(touched)
        start_response(*answered)
        return body

    return run


def writes(environ: "WSGIEnvironment") -> bool:
    """Whether the request may change what is kept."""
    if environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS"):
        return False
    if _RUNS_USER_CODE.search(environ.get("PATH_INFO", "")):
        return environ.get("HTTP_X_AMZ_INVOCATION_TYPE") == "Event"
    operation = named_operation(environ)
    return operation is None or _READS.match(operation) is None
