"""How an invocation ended, in the words of AWS: payloads of errors and the platform's log lines.

Source of the wording: AWS Lambda developer guide, "Understanding the Lambda execution environment lifecycle",
"Using the Lambda runtime API" and "Log and monitor Python Lambda functions".
"""

import json
import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from localcloud.lambda_.log_reader import LogEvent
from localcloud.lambda_.specification import FunctionSpec
from localcloud.lambda_.trace import Trace

RESPONSE_LIMIT_BYTES = 6_291_556


class Ending(Enum):
    """Why an invocation is over."""

    RESPONSE = "response"
    FUNCTION_ERROR = "function error"
    INIT_ERROR = "init error"
    TIMEOUT = "timeout"
    EXIT = "exit"
    OUT_OF_MEMORY = "out of memory"
    RESPONSE_TOO_LARGE = "response too large"


@dataclass(frozen=True)
class Result:
    """What happened in the process: `body` is what the runtime posted, `status` how the process ended if it did."""

    ending: Ending
    body: bytes = b""
    status: int | None = None


@dataclass(frozen=True)
class Measurements:
    """Figures of one invocation for its REPORT line; `init_ms` only when it was a cold start."""

    started_ms: int
    ended_ms: int
    duration_ms: float
    init_ms: float | None
    max_memory_mb: int


def init_failure(message: str) -> Result:
    """The result for a function whose process cannot even be started."""
    body = {"errorType": "Runtime.ImportModuleError", "errorMessage": message, "stackTrace": []}
    return Result(Ending.INIT_ERROR, json.dumps(body).encode())


def failed(result: Result) -> bool:
    """Whether the caller sees FunctionError: Unhandled."""
    return result.ending is not Ending.RESPONSE


def payload(result: Result, request_id: str, spec: FunctionSpec) -> bytes:
    """What the caller of Invoke receives."""
    match result.ending:
        case Ending.RESPONSE | Ending.FUNCTION_ERROR:
            return result.body
        case Ending.INIT_ERROR:
            return json.dumps(json.loads(result.body) | {"requestId": request_id}).encode()
        case Ending.RESPONSE_TOO_LARGE:
            size = f"Response payload size ({len(result.body)} bytes) exceeded maximum allowed payload size"
            message = f"{size} ({RESPONSE_LIMIT_BYTES} bytes)."
            return _error("Function.ResponseSizeTooLarge", message)
        case Ending.TIMEOUT:
            message = f"RequestId: {request_id} Error: Task timed out after {spec.timeout_seconds:.2f} seconds"
            return _error("Sandbox.Timedout", message)
    return _error(_exit_type(result), f"RequestId: {request_id} Error: {exit_reason(result)}")


def exit_reason(result: Result) -> str:
    """How the runtime's process ended."""
    if result.ending is Ending.OUT_OF_MEMORY:
        return "Runtime exited with error: signal: killed"
    if not result.status:
        return "Runtime exited without providing a reason"
    if result.status > 0:
        return f"Runtime exited with error: exit status {result.status}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-result.status) or '').lower()}"


def platform_log(
    spec: FunctionSpec, request_id: str, trace: Trace, result: Result, measured: Measurements, own: list[LogEvent]
) -> list[LogEvent]:
    """The function's own events between the platform's lines, in the order in which AWS shows them."""
    before = [event for event in own if event[0] < measured.started_ms] if measured.init_ms is not None else []
    after = own[len(before) :]
    first = min([measured.started_ms, *(event[0] for event in before)])
    make = _json_lines if spec.log.log_format == "JSON" else _text_lines
    init, start, end = make(spec, request_id, trace, result, measured)
    return [
        *((first, line) for line in init),
        *before,
        *((measured.started_ms, line) for line in start),
        *after,
        *((measured.ended_ms, line) for line in end),
    ]


_Lines = tuple[list[str], list[str], list[str]]


def _text_lines(spec: FunctionSpec, request_id: str, trace: Trace, result: Result, measured: Measurements) -> _Lines:
    init = [] if measured.init_ms is None else [f"INIT_START Runtime Version: {_runtime_version(spec)}"]
    start = [f"START RequestId: {request_id} Version: {spec.version}"]
    if result.ending is Ending.INIT_ERROR:
        init_report = f"INIT_REPORT Init Duration: {measured.init_ms or 0:.2f} ms\tPhase: init"
        start.insert(0, init_report + _status_fields(result))
    report = "\t".join(
        [
            f"REPORT RequestId: {request_id}",
            f"Duration: {measured.duration_ms:.2f} ms",
            f"Billed Duration: {_billed_ms(measured)} ms",
            f"Memory Size: {spec.memory_mb} MB",
            f"Max Memory Used: {measured.max_memory_mb} MB",
        ]
    )
    if measured.init_ms is not None:
        report += f"\tInit Duration: {measured.init_ms:.2f} ms"
    report += _status_fields(result) + _trace_lines(trace)
    return init, start, [*_death_notice(spec, request_id, result, measured), f"END RequestId: {request_id}", report]


def _json_lines(spec: FunctionSpec, request_id: str, _trace: Trace, result: Result, measured: Measurements) -> _Lines:
    if spec.log.system_level == "WARN":
        return [], [], _death_notice(spec, request_id, result, measured)
    metrics: dict[str, float] = {
        "durationMs": round(measured.duration_ms, 3),
        "billedDurationMs": _billed_ms(measured),
        "memorySizeMB": spec.memory_mb,
        "maxMemoryUsedMB": measured.max_memory_mb,
    }
    init = []
    if measured.init_ms is not None:
        metrics["initDurationMs"] = round(measured.init_ms, 3)
        init = [_platform(measured.started_ms, "platform.initStart", {"runtimeVersion": _runtime_version(spec)})]
    record: dict[str, object] = {"requestId": request_id, "metrics": metrics, "status": _status(result) or "success"}
    if _status(result) == "error":
        record["errorType"] = _error_type(result)
    started = {"requestId": request_id, "version": spec.version}
    start = [_platform(measured.started_ms, "platform.start", started)]
    report = _platform(measured.ended_ms, "platform.report", record)
    return init, start, [*_death_notice(spec, request_id, result, measured), report]


def _platform(milliseconds: int, kind: str, record: Mapping[str, object]) -> str:
    return json.dumps({"time": _iso(milliseconds), "type": kind, "record": record})


def _death_notice(spec: FunctionSpec, request_id: str, result: Result, measured: Measurements) -> list[str]:
    if result.ending is Ending.TIMEOUT:
        return [f"{_iso(measured.ended_ms)} {request_id} Task timed out after {spec.timeout_seconds:.2f} seconds\n"]
    if result.ending in (Ending.EXIT, Ending.OUT_OF_MEMORY):
        return [f"RequestId: {request_id} Error: {exit_reason(result)}\n{_exit_type(result)}"]
    return []


def _status_fields(result: Result) -> str:
    status = _status(result)
    if status is None:
        return ""
    return f"\tStatus: {status}" + (f"\tError Type: {_error_type(result)}" if status == "error" else "")


def _status(result: Result) -> str | None:
    if result.ending in (Ending.RESPONSE, Ending.FUNCTION_ERROR):
        return None
    return "timeout" if result.ending is Ending.TIMEOUT else "error"


def _error_type(result: Result) -> str:
    match result.ending:
        case Ending.INIT_ERROR:
            return str(json.loads(result.body).get("errorType", "Runtime.Unknown"))
        case Ending.RESPONSE_TOO_LARGE:
            return "Function.ResponseSizeTooLarge"
    return _exit_type(result)


def _exit_type(result: Result) -> str:
    return "Runtime.OutOfMemory" if result.ending is Ending.OUT_OF_MEMORY else "Runtime.ExitError"


def _runtime_version(spec: FunctionSpec) -> str:
    return f"{spec.runtime.replace('python', 'python:')}.local"


def _billed_ms(measured: Measurements) -> int:
    return math.ceil(measured.duration_ms + (measured.init_ms or 0.0))


def _trace_lines(trace: Trace) -> str:
    return f"\nXRAY TraceId: {trace.root}\tSegmentId: {trace.segment}\tSampled: true" if trace.sampled else ""


def _error(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
