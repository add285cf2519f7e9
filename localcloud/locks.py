"""One lock per service around moto, whose backends have none; middleware that reads the body before it locks."""

import io
import re
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from localcloud.cloud import Cloud

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/")
_RUNS_USER_CODE = re.compile(r"/(invocations|invocations-async|async-invocations)$")
_WAITING_TARGETS = ("StartSyncExecution", "TestState")


def signing_service(environ: "WSGIEnvironment") -> str | None:
    """The service in the request's credential scope; None for an unsigned request."""
    match = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    return match[1] if match else None


def read_body(environ: "WSGIEnvironment") -> bytes:
    """The request's body, which can be read again afterwards."""
    source = environ["wsgi.input"]
    if isinstance(source, io.BytesIO):
        source.seek(0)  # somebody may have read it since
    size = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body = bytes(source.read(size))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


class Locks:
    """A lock for each service, by the name that requests are signed for."""

    def __init__(self) -> None:
        self._locks: dict[str, threading.RLock] = {}
        self._making = threading.Lock()

    def of(self, service: str) -> "threading.RLock":
        """The service's lock, always the same."""
        with self._making:
            return self._locks.setdefault(service, threading.RLock())


def install(cloud: "Cloud") -> None:
    """Whoever waits for messages of a queue lets others into SQS meanwhile."""
    lock: Any = cloud.locks.of("sqs")

    def wait_for_messages(queue: Any, timeout: int) -> None:
        held = lock._release_save()
        try:
            wait(queue, timeout)
        finally:
            lock._acquire_restore(held)

    target = "moto.sqs.models:Queue.wait_for_messages"
    wait = cloud.patches.replace(target, wait_for_messages, "waits while it holds the lock of the service")


def middleware(locks: Locks, app: "WSGIApplication") -> "WSGIApplication":
    """Calls of one service come one after another, except those that wait or run user code."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        service = signing_service(environ) or "s3"
        if _must_not_hold_the_lock(service, environ):
            return app(environ, start_response)
        with locks.of(service):
            return whole_answer(app(environ, start_response))

    return run


def _must_not_hold_the_lock(service: str, environ: "WSGIEnvironment") -> bool:
    read_body(environ)
    if service == "states":
        return str(environ.get("HTTP_X_AMZ_TARGET", "")).endswith(_WAITING_TARGETS)
    return _RUNS_USER_CODE.search(environ.get("PATH_INFO", "")) is not None


def whole_answer(answer: Iterable[bytes]) -> list[bytes]:
    """The answer, made to its end."""
    try:
        return [b"".join(answer)]
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
