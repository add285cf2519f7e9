"""The operations on state machines and executions where moto's answer is not AWS's."""

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any, Final

from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.exceptions import InvalidExecutionInput, InvalidName, ValidationException
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import (
    ExecutionNotRedrivable,
    InvalidDefinition,
    InvalidOutput,
    ResourceNotFound,
    StateMachineAlreadyExists,
)

from localcloud.cloud import Cloud
from localcloud.stepfunctions import definition, history
from localcloud.stepfunctions.executions import ReportingExecution, Worker, redrivability
from localcloud.stepfunctions.map_items import LARGEST_INPUT_BYTES
from localcloud.stepfunctions.map_results import MapRun

_NAME: Final = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_BACKEND: Final = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_RESPONSE: Final = "moto.stepfunctions.responses:StepFunctionResponse"
_PAGE: Final = 1000
_ENDS: Final = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut", "ExecutionSucceeded")
_END_SECONDS: Final = 5.0


def install(cloud: Cloud) -> None:
    """Executions start, stop, go on and are described as on AWS, and every change of status is an event."""
    ReportingExecution.cloud = cloud
    replace = cloud.patches.replace
    replace("moto.stepfunctions.parser.models:Execution", ReportingExecution, "sends no events")
    replace("moto.stepfunctions.parser.backend.execution:ExecutionWorker", Worker, "cannot go on after a redrive")
    _install_one_truth(cloud)
    _install_checks(cloud)
    _install_start(cloud)
    _install_stop(cloud)
    for name, operation in _REPLACED.items():
        replace(f"{_RESPONSE}.{name}", operation, "leaves out dates, order, pages or errors")
    cloud.patches.add(f"{_RESPONSE}.redrive_execution", redrive_execution, "is not in moto")
    history.start_logging(cloud)


def _install_one_truth(cloud: Cloud) -> None:
    for module in ("moto.stepfunctions.models", "moto.stepfunctions.responses", "moto.stepfunctions"):
        cloud.patches.replace(
            f"{module}:stepfunctions_backends",
            models.stepfunctions_parser_backends,
            "a second set of machines that never run",
        )
    cloud.patches.replace(f"{_BACKEND}.__module__", "moto.stepfunctions.models", "moto looks for the URLs beside it")

    def machine_of(backend: Any, execution_arn: str) -> Any:
        parts = execution_arn.split(":")
        return original(backend, ":".join([*parts[:6], parts[6].partition("/")[0], *parts[7:]]))

    def at_work(backend: Any, _status: Any = None) -> list[Any]:
        executions = (execution for machine in backend.state_machines for execution in list(machine.executions))
        return [execution for execution in executions if getattr(execution.exec_worker, "env", None) is not None]

    target = f"{_BACKEND}._get_state_machine_for_execution"
    original = cloud.patches.replace(target, machine_of, "does not know the children of Map Runs")
    cloud.patches.replace(f"{_BACKEND}._get_executions", at_work, "looks for tokens before an execution has begun")


def _install_checks(cloud: Cloud) -> None:
    def check(text: str | None, machine_type: str | None = None) -> None:
        try:
            if text is not None:
                definition.check(text, machine_type)
        except definition.Unsupported as error:
            raise InvalidDefinition(message=f"Invalid State Machine Definition: {error}") from error

    def create_state_machine(backend: Any, **given: Any) -> Any:
        check(given["definition"], given.get("sm_type"))
        made = original_create(backend, **given)
        if (made.definition, made.roleArn) != (given["definition"], given["roleArn"]):
            raise StateMachineAlreadyExists(f"State Machine Already Exists: '{made.arn}'")
        return made

    def update_state_machine(backend: Any, arn: str, definition: str | None = None, **given: Any) -> Any:
        check(definition)
        return original_update(backend, arn, definition=definition, **given)

    reason = "accepts integrations that nothing runs"
    original_create = cloud.patches.replace(f"{_BACKEND}.create_state_machine", create_state_machine, reason)
    original_update = cloud.patches.replace(f"{_BACKEND}.update_state_machine", update_state_machine, reason)


def _install_start(cloud: Cloud) -> None:
    def start_execution(
        backend: Any,
        state_machine_arn: str,
        name: str | None = None,
        execution_input: str | None = None,
        trace_header: str | None = None,
    ) -> Any:
        _check_start(name, execution_input)
        return original(backend, state_machine_arn, name or str(uuid.uuid4()), execution_input, trace_header)

    original = cloud.patches.replace(f"{_BACKEND}.start_execution", start_execution, "no default name, no limits")


def _check_start(name: str | None, execution_input: str | None) -> None:
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidName(f"Invalid Name: '{name}'")
    if execution_input is None:
        return
    if len(execution_input.encode()) > LARGEST_INPUT_BYTES:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LARGEST_INPUT_BYTES}"
        )
    try:
        json.loads(execution_input)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error


def _install_stop(cloud: Cloud) -> None:
    def stop_execution(response: Any) -> Any:
        execution = _execution(response)
        error, cause = response._get_param("error"), response._get_param("cause")
        execution.stop(stop_date=cloud.clock.utcnow(), error=error, cause=cause)
        return ActionResult({"stopDate": execution.stop_date})

    cloud.patches.replace(f"{_RESPONSE}.stop_execution", stop_execution, "drops error and cause")


def describe_execution(response: Any) -> Any:
    """DescribeExecution, with the dates and details of every status."""
    execution = _execution(response)
    status, reason = redrivability(execution)
    described = _summary(execution) | {
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "error": execution.error,
        "cause": execution.cause,
        "redriveStatus": status,
        "redriveStatusReason": reason,
    }
    if execution.status == "SUCCEEDED":
        described |= {"output": json.dumps(execution.output), "outputDetails": {"included": True}}
    return ActionResult(_present(described))


def list_executions(response: Any) -> Any:
    """ListExecutions of a machine or a Map Run, newest first."""
    backend, run_arn = response.stepfunction_backend, response._get_param("mapRunArn")
    arn = response._get_param("stateMachineArn") or _run(response, run_arn).machine_arn.partition("/")[0]
    status = response._get_param("statusFilter")
    found = [
        _present(_summary(execution))
        for execution in backend.describe_state_machine(arn).executions
        if execution.map_run_arn == run_arn and execution.status == (status or execution.status)
    ]
    found.sort(key=lambda shown: shown["startDate"], reverse=True)
    return ActionResult(_page(response, "executions", found))


def get_execution_history(response: Any) -> Any:
    """GetExecutionHistory, in either order and in pages."""
    events = _execution(response).history.get_event_history()
    if response._get_bool_param("reverseOrder"):
        events = events[::-1]
    return ActionResult(_page(response, "events", events))


def redrive_execution(response: Any) -> Any:
    """RedriveExecution: the execution goes on where it failed."""
    execution, token = _execution(response), response._get_param("clientToken")
    if token is None or token != getattr(execution, "redrive_token", None):
        status, reason = redrivability(execution)
        if status != "REDRIVABLE":
            raise ExecutionNotRedrivable(reason)
        _await_last_event(execution)
        execution.redrive_token = token
        execution.redrive()
    return ActionResult({"redriveDate": execution.redrive_date})


def _await_last_event(execution: Any) -> None:
    """What still ran when the execution was stopped has written its last event."""
    deadline = time.monotonic() + _END_SECONDS
    while execution.history.get_event_history()[-1]["type"] not in _ENDS and time.monotonic() < deadline:
        time.sleep(0.02)


def send_task_failure(response: Any) -> Any:
    """SendTaskFailure, with the cause."""
    backend, token = response.stepfunction_backend, response._get_param("taskToken")
    backend.send_task_failure(token, error=response._get_param("error"), cause=response._get_param("cause"))
    return EmptyResult()


def send_task_success(response: Any) -> Any:
    """SendTaskSuccess of an output that is JSON."""
    token, output = response._get_param("taskToken"), response._get_param("output")
    try:
        json.loads(output)
    except ValueError as error:
        raise InvalidOutput(f"Invalid Output: '{error}'") from error
    response.stepfunction_backend.send_task_success(token, output)
    return EmptyResult()


def list_map_runs(response: Any) -> Any:
    """ListMapRuns of an execution, newest first."""
    runs = [run.listed() for run in reversed(_execution(response).map_runs.values())]
    return ActionResult(_page(response, "mapRuns", runs))


def describe_map_run(response: Any) -> Any:
    """DescribeMapRun."""
    return ActionResult(_run(response, response._get_param("mapRunArn")).described())


_REPLACED: Final[dict[str, Callable[[Any], Any]]] = {
    operation.__name__: operation
    for operation in (
        describe_execution,
        list_executions,
        get_execution_history,
        send_task_failure,
        send_task_success,
        list_map_runs,
        describe_map_run,
    )
}


def _execution(response: Any) -> Any:
    return response.stepfunction_backend.describe_execution(response._get_param("executionArn"))


def _run(response: Any, arn: str) -> MapRun:
    for machine in response.stepfunction_backend.state_machines:
        for execution in machine.executions:
            for run in execution.map_runs.values():
                if run.arn == arn:
                    found: MapRun = run
                    return found
    raise ResourceNotFound(f"Resource not found: '{arn}'")


def _summary(execution: Any) -> dict[str, Any]:
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "mapRunArn": execution.map_run_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redrive_date,
    }


def _present(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in shown.items() if value is not None}


def _page(response: Any, name: str, items: list[Any]) -> dict[str, Any]:
    start = int(response._get_param("nextToken") or 0)
    end = start + (response._get_int_param("maxResults") or _PAGE)
    return {name: items[start:end]} | ({"nextToken": str(end)} if end < len(items) else {})
