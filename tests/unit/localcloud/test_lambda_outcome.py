"""The words of AWS for how an invocation ended."""

import json
from dataclasses import replace

import pytest

from localcloud.lambda_.outcome import (
    Ending,
    Measurements,
    Result,
    exit_reason,
    failed,
    init_failure,
    payload,
    platform_log,
)
from localcloud.lambda_.specification import FunctionSpec, LogSettings
from localcloud.lambda_.trace import Trace, trace_of

SPEC = FunctionSpec(
    account="123456789012",
    region="us-east-1",
    name="count",
    version="$LATEST",
    arn="arn:aws:lambda:us-east-1:123456789012:function:count",
    runtime="python3.12",
    architecture="x86_64",
    handler="app.handler",
    role="arn:aws:iam::123456789012:role/count",
    memory_mb=128,
    timeout_seconds=3.0,
    ephemeral_mb=512,
    variables=(),
    code="00",
    layers=(),
    log=LogSettings("/aws/lambda/count"),
    traced=False,
)
WARM = Measurements(started_ms=1_000_000, ended_ms=1_000_012, duration_ms=11.5, init_ms=None, max_memory_mb=40)
COLD = replace(WARM, init_ms=100.25)
TRACE = trace_of("Root=1-a-b;Sampled=0", active=True)


def answer(result: Result) -> dict[str, str]:
    answered: dict[str, str] = json.loads(payload(result, "the-id", SPEC))
    return answered


def lines(result: Result, measured: Measurements = WARM, spec: FunctionSpec = SPEC, trace: Trace = TRACE) -> list[str]:
    own = [(999_990, "while starting"), (1_000_005, "while running")]
    return [text for _, text in platform_log(spec, "the-id", trace, result, measured, own)]


def test_a_response_is_passed_on_as_it_is() -> None:
    assert payload(Result(Ending.RESPONSE, b'"x"'), "the-id", SPEC) == b'"x"'
    assert not failed(Result(Ending.RESPONSE))


@pytest.mark.parametrize("ending", [one for one in Ending if one is not Ending.RESPONSE])
def test_every_other_ending_is_an_error_for_the_caller(ending: Ending) -> None:
    assert failed(Result(ending))


def test_a_timeout_names_the_request_and_the_seconds() -> None:
    assert answer(Result(Ending.TIMEOUT)) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: the-id Error: Task timed out after 3.00 seconds",
    }


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (3, "Runtime exited with error: exit status 3"),
        (0, "Runtime exited without providing a reason"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-6, "Runtime exited with error: signal: aborted"),
    ],
)
def test_an_exit_says_how_the_process_ended(status: int, reason: str) -> None:
    result = Result(Ending.EXIT, status=status)
    assert exit_reason(result) == reason
    assert answer(result) == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: the-id Error: {reason}"}


def test_running_out_of_memory_has_a_type_of_its_own() -> None:
    assert answer(Result(Ending.OUT_OF_MEMORY))["errorType"] == "Runtime.OutOfMemory"


def test_an_init_error_carries_the_request_id_of_the_invocation() -> None:
    assert answer(init_failure("no numpy")) == {
        "errorType": "Runtime.ImportModuleError",
        "errorMessage": "no numpy",
        "requestId": "the-id",
        "stackTrace": [],
    }


def test_a_too_large_response_says_how_large_it_was() -> None:
    answered = answer(Result(Ending.RESPONSE_TOO_LARGE, b"x" * 7_000_000))
    assert answered["errorType"] == "Function.ResponseSizeTooLarge"
    assert "(7000000 bytes) exceeded maximum allowed payload size (6291556 bytes)" in answered["errorMessage"]


def test_a_warm_invocation_logs_start_end_and_report() -> None:
    assert lines(Result(Ending.RESPONSE)) == [
        "START RequestId: the-id Version: $LATEST",
        "while starting",
        "while running",
        "END RequestId: the-id",
        "REPORT RequestId: the-id\tDuration: 11.50 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB",
    ]


def test_a_cold_start_logs_what_was_written_while_starting_before_start() -> None:
    logged = lines(Result(Ending.RESPONSE), COLD)
    assert logged[:3] == [
        "INIT_START Runtime Version: python:3.12.local",
        "while starting",
        "START RequestId: the-id Version: $LATEST",
    ]
    assert logged[-1].endswith("\tInit Duration: 100.25 ms")
    assert "Billed Duration: 112 ms" in logged[-1]


def test_a_timeout_is_a_line_of_its_own_and_a_status() -> None:
    logged = lines(Result(Ending.TIMEOUT))
    assert logged[-3] == "1970-01-01T00:16:40.012Z the-id Task timed out after 3.00 seconds\n"
    assert logged[-1].endswith("\tStatus: timeout")


def test_an_init_error_is_reported_before_the_start_line() -> None:
    logged = lines(init_failure("no numpy"), COLD)
    assert logged[2:4] == [
        "INIT_REPORT Init Duration: 100.25 ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError",
        "START RequestId: the-id Version: $LATEST",
    ]


def test_a_sampled_request_shows_its_trace() -> None:
    trace = trace_of("Root=1-a-b;Parent=c", active=True)
    logged = lines(Result(Ending.RESPONSE), trace=trace)
    assert logged[-1].endswith(f"\nXRAY TraceId: 1-a-b\tSegmentId: {trace.segment}\tSampled: true")
    assert (trace.parent, trace.header) == ("c", f"Root=1-a-b;Parent={trace.segment};Sampled=1")


def test_json_logs_are_platform_records() -> None:
    spec = replace(SPEC, log=LogSettings("/g", "JSON", "INFO", "INFO"))
    first, *_, last = [json.loads(line) for line in lines(Result(Ending.EXIT, status=1), COLD, spec) if line[0] == "{"]
    assert first["type"] == "platform.initStart"
    assert last["type"] == "platform.report"
    assert last["record"]["status"] == "error"
    assert last["record"]["errorType"] == "Runtime.ExitError"
    assert last["record"]["metrics"]["initDurationMs"] == 100.25


def test_json_logs_at_level_warn_have_no_platform_records() -> None:
    spec = replace(SPEC, log=LogSettings("/g", "JSON", "INFO", "WARN"))
    assert lines(Result(Ending.RESPONSE), COLD, spec) == ["while starting", "while running"]
