"""The Invoke API: what a caller sends and gets, for all three invocation types."""

import base64
import json
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import ClientError
from moto.awslambda.exceptions import LambdaClientError

from localcloud.lambda_.asynchronous import AsynchronousQueue
from localcloud.lambda_.concurrency import Throttled
from localcloud.lambda_.engine import Response
from localcloud.lambda_.environment import Request
from localcloud.lambda_.functions import ROLE_REFUSED, Found, Functions
from localcloud.lambda_.trace import trace_of

SYNCHRONOUS_LIMIT_BYTES = 6_291_456
ASYNCHRONOUS_LIMIT_BYTES = 1_048_576  # 256 KB until October 2025
Answer = tuple[int, dict[str, str], bytes]


class ApiError(LambdaClientError):  # type: ignore[misc]  # moto has no type information
    """An error of the API itself, with its HTTP status."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.code = status


@dataclass(frozen=True)
class Call:
    """An Invoke request."""

    function: str
    qualifier: str | None
    region: str
    body: bytes
    kind: str
    wants_log: bool
    client_context: str | None
    trace: str | None


def read_call(response: Any) -> Call:
    """The Invoke request that a LambdaResponse of moto holds."""
    headers, body = response.headers, response.body
    context = headers.get("X-Amz-Client-Context")
    return Call(
        unquote(response.path.rstrip("/").rsplit("/", 2)[-2]),
        response.querystring.get("Qualifier", [None])[0],
        response.region,
        body.encode() if isinstance(body, str) else bytes(body or b""),
        headers.get("X-Amz-Invocation-Type") or "RequestResponse",
        headers.get("X-Amz-Log-Type") == "Tail",
        base64.b64decode(context).decode() if context else None,
        headers.get("X-Amzn-Trace-Id"),
    )


class Invoker:
    """Answers Invoke."""

    def __init__(self, functions: Functions, queue: AsynchronousQueue) -> None:
        self._functions = functions
        self._queue = queue

    def answer(self, call: Call) -> Answer:
        """Status, headers and payload of the answer. Raises ApiError, and moto's error for no such function."""
        found = self._functions.find(call.region, call.function, call.qualifier)
        payload = _checked_payload(call)
        request_id = str(uuid.uuid4())
        match call.kind:
            case "DryRun":
                return 204, {}, b""
            case "Event":
                self._queue.put(self._functions.queued(found, payload, request_id, call.trace))
                return 202, {"x-amzn-requestid": request_id}, b""
            case "RequestResponse":
                return self._run(found, call, payload, request_id)
        raise ApiError(400, "InvalidParameterValueException", f"Unknown invocation type {call.kind}")

    def put_event(self, region: str, function_arn: str, body: bytes) -> None:
        """An event of another service runs asynchronously."""
        found = self._functions.find(region, function_arn)
        self._queue.put(self._functions.queued(found, body or b"{}", str(uuid.uuid4()), None))

    def _run(self, found: Found, call: Call, payload: bytes, request_id: str) -> Answer:
        trace = trace_of(call.trace, found.spec.traced)
        request = Request(payload, found.invoked_arn, found.resource, request_id, trace, call.client_context)
        response = self._invoke(found, request)
        headers = {
            "x-amzn-requestid": request_id,
            "content-type": "application/json",
            "x-amz-executed-version": found.spec.version,
        }
        if response.failed:
            headers["x-amz-function-error"] = "Unhandled"
        if call.wants_log:
            headers["x-amz-log-result"] = base64.b64encode(response.log_tail).decode()
        return 200, headers, response.payload

    def _invoke(self, found: Found, request: Request) -> Response:
        try:
            return self._functions.invoke(found, request)
        except Throttled as error:
            throttled = ApiError(429, "TooManyRequestsException", str(error))
            throttled.description = json.dumps({"Reason": error.reason, "Type": "User", "message": str(error)})
            raise throttled from error
        except ClientError as error:
            raise ApiError(403, "AccessDeniedException", f"{ROLE_REFUSED} {error}") from error
        except LookupError as error:
            raise ApiError(502, "InvalidRuntimeException", str(error)) from error


def _checked_payload(call: Call) -> bytes:
    limit = ASYNCHRONOUS_LIMIT_BYTES if call.kind == "Event" else SYNCHRONOUS_LIMIT_BYTES
    if len(call.body) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        raise ApiError(413, "RequestTooLargeException", message)
    payload = call.body or b"{}"
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise ApiError(400, "InvalidRequestContentException", message) from error
    return payload
