"""InvokeEndpoint: from the HTTP request to a model and back, before moto and its locks."""

import json
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from localcloud.locks import read_body
from localcloud.sagemaker import credentials
from localcloud.sagemaker.api import Regions
from localcloud.sagemaker.capture import Invocation, Payload, captured_line, is_sampled
from localcloud.sagemaker.connections import TIMEOUT_SECONDS, InstanceGoneError, ModelAnswer, request_head
from localcloud.sagemaker.endpoint import Endpoint, NotServingError
from localcloud.sagemaker.fleet import Fleet, ThrottledError, Variant
from localcloud.sagemaker.metrics import Outcome, Target
from localcloud.sagemaker.service import CREDENTIALS_PATH, Region
from localcloud.wire import error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATH = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
_PREFIX = "HTTP_X_AMZN_SAGEMAKER_"
_STREAM = "invocations-response-stream"
_ASYNC_HEADERS = {
    "CONTENT_TYPE": "ContentType", "ACCEPT": "Accept", "CUSTOM_ATTRIBUTES": "CustomAttributes",
    "INFERENCE_ID": "InferenceId", "INPUTLOCATION": "InputLocation", "REQUESTTTLSECONDS": "TTL",
    "INVOCATIONTIMEOUTSECONDS": "Timeout",
}  # fmt: skip
_UNSUPPORTED = (
    "S3OUTPUTPATHEXTENSION",
    "FILENAME",
    "TARGET_MODEL",
    "TARGET_CONTAINER_HOSTNAME",
    "INFERENCE_COMPONENT",
    "SESSION_ID",
)
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_STATUS_LINES = {
    202: "202 Accepted",
    400: "400 Bad Request",
    424: "424 Failed Dependency",
    429: "429 Too Many Requests",
}


class Call(NamedTuple):
    """One InvokeEndpoint request; `timeout` is real seconds."""

    body: bytes
    content_type: str
    accept: str
    target: str | None = None
    inference_id: str | None = None
    custom_attributes: str | None = None
    timeout: float = TIMEOUT_SECONDS


class RefusedError(Exception):
    """Raised when the request does not get to a model: HTTP status, error code, message."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def middleware(regions: Regions, app: "WSGIApplication") -> "WSGIApplication":
    """POST /endpoints/<name>/invocations is answered by the endpoint's models."""

    def run(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith(CREDENTIALS_PATH):
            return credentials.answer(regions, environ, start_response)
        match = _PATH.fullmatch(environ["PATH_INFO"])
        if match is None or environ["REQUEST_METHOD"] != "POST":
            return app(environ, start_response)
        try:
            if match[2] == _STREAM:
                raise _refusal("InvokeEndpointWithResponseStream")
            endpoint = _endpoint(regions.of_request(environ), match[1])
            if match[2] == "async-invocations":
                return _accept(environ, start_response, endpoint)
            if endpoint.requests.config is not None:
                raise _invalid(f"Endpoint {endpoint.name} is for asynchronous inference: use InvokeEndpointAsync.")
            call = _call(environ)
            variant, answer = invoke(endpoint, call)
        except RefusedError as error:
            return error_response(environ, start_response, error.status, error.code, str(error))
        if not 200 <= answer.status < 300:
            return _model_error(start_response, endpoint, answer)
        return _success(start_response, call, variant, answer)

    return run


def invoke(endpoint: Endpoint, call: Call) -> tuple[str, ModelAnswer]:
    """The name of the variant that answered and its answer (status 0 for a timeout), captured and measured.

    Raises RefusedError when no model was asked.
    """
    started = time.perf_counter()
    head = _head(call)
    fleet, variant = _enter(endpoint, call)
    if fleet.mirrors(variant):
        endpoint.region.mirror.submit(lambda: _ask_shadow(endpoint, fleet, call, head))
    try:
        asked = time.perf_counter()
        answer = _ask(variant, head, call)
        answered = time.perf_counter()
    finally:
        fleet.leave(variant)
    _capture(endpoint, variant, call, answer)
    overhead = (time.perf_counter() - started) - (answered - asked)
    _measure(endpoint, fleet, variant, answer.status, (answered - asked, overhead))
    return variant.name, answer


def _ask_shadow(endpoint: Endpoint, fleet: Fleet, call: Call, head: bytes) -> None:
    """The shadow variant has been asked; its answer is captured and measured, and nobody gets it."""
    shadow = fleet.shadow
    if shadow is None or not fleet.enter(shadow):
        return
    try:
        asked = time.perf_counter()
        answer = _ask(shadow, head, call)
        seconds = time.perf_counter() - asked
    finally:
        fleet.leave(shadow)
    _capture(endpoint, shadow, call, answer)
    _measure(endpoint, fleet, shadow, answer.status, (seconds, 0.0))


def _accept(environ: "WSGIEnvironment", start_response: "StartResponse", endpoint: Endpoint) -> list[bytes]:
    """HTTP 202 with the place where the answer will be."""
    _refuse_unsupported(environ)
    if endpoint.requests.config is None:
        raise _invalid(f"Endpoint {endpoint.name} has no AsyncInferenceConfig: use InvokeEndpoint.")
    given = {name: environ.get(f"{_PREFIX}{header}") for header, name in _ASYNC_HEADERS.items()}
    if not str(given["InputLocation"]).startswith("s3://"):
        raise _invalid("InputLocation must be an S3 URI.")
    accepted = endpoint.requests.add({name: value for name, value in given.items() if value})
    body = json.dumps({"InferenceId": accepted["InferenceId"]}).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    for name in ("OutputLocation", "FailureLocation"):
        if name in accepted:
            headers.append((f"X-Amzn-SageMaker-{name}", accepted[name]))
    start_response(_STATUS_LINES[202], headers)
    return [body]


def _refuse_unsupported(environ: "WSGIEnvironment") -> None:
    for name in _UNSUPPORTED:
        if f"{_PREFIX}{name}" in environ:
            raise _refusal(f"the header X-Amzn-SageMaker-{name.replace('_', '-').title()}")


def _call(environ: "WSGIEnvironment") -> Call:
    _refuse_unsupported(environ)
    return Call(
        body=read_body(environ),
        content_type=environ.get("CONTENT_TYPE") or "application/octet-stream",
        accept=environ.get(f"{_PREFIX}ACCEPT") or environ.get("HTTP_ACCEPT") or "*/*",
        target=environ.get(f"{_PREFIX}TARGET_VARIANT"),
        inference_id=environ.get(f"{_PREFIX}INFERENCE_ID"),
        custom_attributes=environ.get(f"{_PREFIX}CUSTOM_ATTRIBUTES"),
    )


def _endpoint(region: Region, name: str) -> Endpoint:
    endpoint = region.endpoints.get(name)
    if endpoint is None:
        raise _not_found(region, name)
    return endpoint


def _enter(endpoint: Endpoint, call: Call) -> tuple[Fleet, Variant]:
    try:
        return endpoint.enter(call.target)
    except NotServingError as error:
        raise _not_found(endpoint.region, endpoint.name) from error
    except KeyError as error:
        where = f"endpoint {endpoint.name} of account {endpoint.region.cloud.account}"
        raise _invalid(f"Variant {call.target} not found for {where}") from error
    except ThrottledError as error:
        raise RefusedError(_STATUS_LINES[429], "ThrottlingException", "Rate exceeded") from error


def _head(call: Call) -> bytes:
    headers = {
        "Content-Type": call.content_type,
        "Accept": call.accept,
        "X-Amzn-SageMaker-Custom-Attributes": call.custom_attributes or "",
        "X-Amzn-SageMaker-Inference-Id": call.inference_id or "",
    }
    try:
        return request_head("POST", "/invocations", headers, len(call.body))
    except ValueError as error:
        raise _invalid(str(error)) from error


def _ask(variant: Variant, head: bytes, call: Call) -> ModelAnswer:
    try:
        return variant.invoke(head, call.body, call.timeout)
    except TimeoutError:
        return ModelAnswer(0, "text/plain", _TIMED_OUT.encode())
    except InstanceGoneError as error:
        return ModelAnswer(503, "text/plain", str(error).encode())


def _capture(endpoint: Endpoint, variant: Variant, call: Call, answer: ModelAnswer) -> None:
    config = endpoint.data_capture
    if config is None or not 200 <= answer.status < 300 or not is_sampled(config):
        return
    invocation = Invocation(
        variant=variant.name,
        request=Payload(call.content_type, call.body),
        response=Payload(answer.content_type, answer.body),
        time=endpoint.region.cloud.clock.now(),
        inference_id=call.inference_id,
        custom_attributes=call.custom_attributes,
    )
    endpoint.capture.add(captured_line(config, invocation))


def _measure(endpoint: Endpoint, fleet: Fleet, variant: Variant, status: int, seconds: tuple[float, float]) -> None:
    model, overhead = (round(each * 1_000_000) for each in seconds)
    target = Target(endpoint.name, fleet.config_name, variant.name, asynchronous=endpoint.requests.config is not None)
    endpoint.region.metrics.add(target, Outcome(status, model, overhead))


def _success(start_response: "StartResponse", call: Call, variant: str, answer: ModelAnswer) -> list[bytes]:
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("x-Amzn-Invoked-Production-Variant", variant),
        ("x-amzn-RequestId", "localcloud"),
    ]
    if call.custom_attributes:
        headers.append(("X-Amzn-SageMaker-Custom-Attributes", call.custom_attributes))
    start_response("200 OK", headers)
    return [answer.body]


def _model_error(start_response: "StartResponse", endpoint: Endpoint, answer: ModelAnswer) -> list[bytes]:
    """HTTP 424 ModelError, with the model's own status and message inside."""
    region, account = endpoint.region.name, endpoint.region.cloud.account
    original = answer.body.decode("utf-8", "replace")
    side = "client" if 400 <= answer.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{endpoint.name}"
    console = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group}"
    content = {
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL" if side == "client" else "INTERNAL_FAILURE_FROM_MODEL",
        "LogStreamArn": f"arn:aws:logs:{region}:{account}:log-group:{group}",
        "Message": f'Received {side} error ({answer.status}) from primary with message "{original}". '
        f"See {console} in account {account} for more information.",
        "OriginalMessage": original,
        "OriginalStatusCode": answer.status,
    }
    body = json.dumps(content).encode()
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("x-amzn-ErrorType", "ModelError"),
        ("x-amzn-RequestId", "localcloud"),
    ]
    start_response(_STATUS_LINES[424], headers)
    return [body]


def _not_found(region: Region, name: str) -> RefusedError:
    return _invalid(f"Endpoint {name} of account {region.cloud.account} not found.")


def _invalid(message: str) -> RefusedError:
    return RefusedError(_STATUS_LINES[400], "ValidationError", message)


def _refusal(what: str) -> RefusedError:
    return _invalid(f"The local cloud does not support {what}.")
