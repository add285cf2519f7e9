"""SageMaker's control plane in front of moto: the operations that the local cloud executes itself."""

import json
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from localcloud.cloud import Cloud
from localcloud.locks import read_body
from localcloud.sagemaker import validation
from localcloud.sagemaker.errors import ApiError, ValidationError
from localcloud.sagemaker.metrics import InvocationMetrics
from localcloud.sagemaker.service import Operation, Region
from localcloud.wire import error_response, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_READING = ("Describe", "List", "Search")


class Regions:
    """The regions that somebody has called. `lock` is held while the state of any of them is changed or kept;
    `on_change(region, kind, name)` is told of every change."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._regions: dict[str, Region] = {}
        self._making = threading.Lock()
        self.lock = threading.RLock()
        self.on_change: Callable[[str, str, str], None] = lambda _region, _kind, _name: None

    def __getitem__(self, name: str) -> Region:
        """The region, made at its first use."""
        with self._making:
            if name not in self._regions:
                metrics = InvocationMetrics(self._cloud, name)
                self._regions[name] = Region(
                    self._cloud, name, metrics, self.lock, lambda kind, key: self.on_change(name, kind, key)
                )
            return self._regions[name]

    def known(self) -> list[Region]:
        """Every region so far."""
        with self._making:
            return list(self._regions.values())

    def of_request(self, environ: "WSGIEnvironment") -> Region:
        """The region that the request is signed for."""
        signed = signature(environ)
        return self[signed.region if signed else self._cloud.region]


def middleware(regions: Regions, operations: dict[str, Operation], app: "WSGIApplication") -> "WSGIApplication":
    """Requests for one of `operations` are answered here; all others go on to moto."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        scheme, _, name = str(environ.get("HTTP_X_AMZ_TARGET", "")).partition(".")
        operation = operations.get(name) if scheme == "SageMaker" else None
        if operation is None:
            return app(environ, start_response)
        try:
            answer = _call(operation, name, regions.of_request(environ), environ)
        except PassOnError:
            return app(environ, start_response)
        except ApiError as error:
            return error_response(environ, start_response, "400 Bad Request", error.code, str(error))
        return _respond(start_response, answer)

    return run


class PassOnError(Exception):
    """Raised by an operation that finds that the resource is one of moto's."""


def _call(operation: Operation, name: str, region: Region, environ: "WSGIEnvironment") -> dict[str, Any]:
    request = json.loads(read_body(environ) or b"{}")
    signed = signature(environ)
    found = validation.problems(name, request)
    if found:
        plural = "s" if len(found) > 1 else ""
        raise ValidationError(f"{len(found)} validation error{plural} detected: {'; '.join(found)}")
    with region.lock:
        region.caller_key = signed.access_key if signed else ""
        try:
            return operation(region, request) or {}
        finally:
            if not name.startswith(_READING):
                region.changed()


def _respond(start_response: "StartResponse", answer: dict[str, Any]) -> list[bytes]:
    body = json.dumps(answer, default=json_value).encode()
    headers = [
        ("Content-Type", "application/x-amz-json-1.1"),
        ("Content-Length", str(len(body))),
        ("x-amzn-RequestId", "localcloud"),
    ]
    start_response("200 OK", headers)
    return [body]


def json_value(value: Any) -> float:
    """A time as epoch seconds."""
    if isinstance(value, datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} cannot be answered in JSON")
