"""Faults of API calls: throttled, failed, slow, answered to nobody, or the death of whoever called."""

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from localcloud.clients import ADMIN_KEY
from localcloud.cloud import Cloud
from localcloud.faults.plan import CALLS, Fault, Kind, Target
from localcloud.iam.calls import CannotUnderstand, understand
from localcloud.iam.principals import Principals, administrator
from localcloud.wire import Signature, error_response, signature

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_THROTTLED = {
    "dynamodb": (400, "ThrottlingException"),
    "kms": (400, "ThrottlingException"),
    "lambda": (429, "TooManyRequestsException"),
    "s3": (503, "SlowDown"),
    "sqs": (403, "RequestThrottled"),
    "sns": (400, "Throttled"),
}
_THROTTLED_ELSEWHERE = (400, "ThrottlingException")
_FAILED = {"s3": (500, "InternalError"), "dynamodb": (500, "InternalServerError")}
_FAILED_ELSEWHERE = (500, "InternalFailure")


def middleware(cloud: Cloud, app: "WSGIApplication") -> "WSGIApplication":
    """Calls that the plan strikes fail as it says; all others go through untouched."""
    principals = Principals(cloud.account)

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if not cloud.faults.has_any_of(CALLS):
            return app(environ, start_response)
        target = _target(cloud, principals, environ)
        struck = {fault.kind: fault for fault in cloud.faults.strikes(CALLS, target)} if target else {}
        if not struck:
            return app(environ, start_response)
        return _struck(cloud, struck, app, environ, start_response)

    return run


def _struck(
    cloud: Cloud,
    struck: dict[Kind, Fault],
    app: "WSGIApplication",
    environ: "WSGIEnvironment",
    start_response: "StartResponse",
) -> Iterable[bytes]:
    if Kind.LATENCY in struck:
        time.sleep(struck[Kind.LATENCY].seconds)
    for kind in (Kind.THROTTLE, Kind.ERROR):
        if kind in struck:
            return _refuse(struck[kind], environ, start_response)
    if Kind.LOST_ANSWER in struck:
        _run_unheard(app, environ)
        return _refuse(struck[Kind.LOST_ANSWER], environ, start_response)
    if Kind.KILL_CALLER in struck:
        return _kill_caller(cloud, app, environ, start_response)
    return app(environ, start_response)


def _kill_caller(
    cloud: Cloud, app: "WSGIApplication", environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    """The call has been carried out, and its caller died before it could read the answer."""
    _run_unheard(app, environ)
    signed = signature(environ)
    if signed is None or not cloud.faults.kill_holder_of(signed.access_key):
        print("The fault plan would kill a caller that is no worker of this cloud.", file=sys.stderr, flush=True)
    return error_response(environ, start_response, "500 Internal Server Error", "InternalFailure", "Nobody listens.")


def _refuse(fault: Fault, environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
    signed = signature(environ) or Signature("", "", "s3")
    if fault.kind == Kind.THROTTLE:
        status, code = _THROTTLED.get(signed.service, _THROTTLED_ELSEWHERE)
    else:
        status, code = _FAILED.get(signed.service, _FAILED_ELSEWHERE)
    said = f"{fault.status or status} Injected"
    return error_response(environ, start_response, said, fault.code or code, fault.message)


def _run_unheard(app: "WSGIApplication", environ: "WSGIEnvironment") -> None:
    """The call has been carried out; its answer is gone."""

    def start_response(*_arguments: Any) -> Any:
        return lambda _data: None

    answer = app(environ, start_response)
    try:
        for _part in answer:
            pass
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()


def _target(cloud: Cloud, principals: Principals, environ: "WSGIEnvironment") -> Target | None:
    signed = signature(environ)
    if signed is None:
        return None
    try:
        call = understand(environ, signed, cloud.account)
    except CannotUnderstand:
        return None
    values = (str(value) for value in call.parameters.values() if isinstance(value, str | int))
    return Target(signed.service, call.operation, tuple(values), _caller(cloud, principals, signed.access_key))


def _caller(cloud: Cloud, principals: Principals, access_key: str) -> str:
    if access_key == ADMIN_KEY:
        return administrator(cloud.account).arn
    found = principals.by_access_key(access_key)
    return "" if found is None else found.arn
