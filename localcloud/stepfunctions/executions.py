"""Executions as AWS shows them: names, limits, stops, descriptions, histories, status events and metrics."""

import json
import re
import threading
import uuid
from datetime import datetime
from typing import Any, ClassVar, Final

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidExecutionInput, InvalidName, ValidationException
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import ExecutionStatus, InvalidDefinition
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from localcloud.cloud import Cloud
from localcloud.stepfunctions import definition

_LARGEST_INPUT_BYTES: Final = 256 * 1024
_LARGEST_EVENT_DATA_BYTES: Final = 248 * 1024
_NAME: Final = re.compile(r"[^\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}")
_BACKEND: Final = "moto.stepfunctions.parser.models:StepFunctionsParserBackend"
_RESPONSE: Final = "moto.stepfunctions.responses:StepFunctionResponse"
_METRICS: Final = {
    "RUNNING": "ExecutionsStarted",
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


class _WorkerCommunication(BaseExecutionWorkerCommunication):  # type: ignore[misc]  # moto has no type information
    """Tells an execution that its thread has ended."""

    def terminated(self) -> None:
        self.execution.ended()


class ReportingExecution(Execution):  # type: ignore[misc]  # moto has no type information
    """An execution that reports each change of its status."""

    cloud: ClassVar[Cloud]
    _ending: ClassVar[threading.Lock] = threading.Lock()
    output: Any

    def _get_start_execution_worker_comm(self) -> Any:
        return _WorkerCommunication(self)

    def get_start_execution_details(self) -> Any:
        """The context object's data, with the start as the text that AWS gives."""
        details = super().get_start_execution_details()
        details.start_time = self.start_date.isoformat()
        return details

    def start(self) -> None:
        """The execution is running and has said so."""
        self.exec_status = ExecutionStatus.RUNNING
        _report(self.cloud, self)
        super().start()

    def ended(self) -> None:
        """The execution has its final status and has said so; one that was stopped has done so before."""
        with self._ending:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            BaseExecutionWorkerCommunication(self)._reflect_execution_status()
        if self.output is not None:
            self.output = json.loads(to_json_str(self.output))
        _report(self.cloud, self)

    def stop(self, stop_date: datetime, error: str | None, cause: str | None) -> None:
        """The execution is aborted at once, whatever its states are still doing."""
        with self._ending:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            self.stop_date, self.error, self.cause = stop_date, error, cause
            self.exec_status = ExecutionStatus.ABORTED
        super().stop(stop_date=stop_date, error=error, cause=cause)
        _report(self.cloud, self)


def install(cloud: Cloud) -> None:
    """Executions start, stop and are described as on AWS, and every change of status is an event and a metric."""
    _install_one_truth(cloud)
    _install_checks(cloud)
    _install_start(cloud)
    _install_stop(cloud)
    for operation in (describe_execution, list_executions, get_execution_history):
        cloud.patches.replace(f"{_RESPONSE}.{operation.__name__}", operation, "leaves out dates, order or pages")


def _install_one_truth(cloud: Cloud) -> None:
    for module in ("moto.stepfunctions.models", "moto.stepfunctions.responses", "moto.stepfunctions"):
        cloud.patches.replace(
            f"{module}:stepfunctions_backends",
            models.stepfunctions_parser_backends,
            "a second set of machines that never run",
        )
    cloud.patches.replace(f"{_BACKEND}.__module__", "moto.stepfunctions.models", "moto looks for the URLs beside it")


def _install_checks(cloud: Cloud) -> None:
    def check(text: str | None, machine_type: str | None = None) -> None:
        try:
            if text is not None:
                definition.check(text, machine_type)
        except definition.Unsupported as error:
            raise InvalidDefinition(message=f"Invalid State Machine Definition: {error}") from error

    def create_state_machine(backend: Any, **given: Any) -> Any:
        check(given["definition"], given.get("sm_type"))
        return original_create(backend, **given)

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

    ReportingExecution.cloud = cloud
    cloud.patches.replace("moto.stepfunctions.parser.models:Execution", ReportingExecution, "sends no events")
    original = cloud.patches.replace(f"{_BACKEND}.start_execution", start_execution, "no default name, no limits")


def _check_start(name: str | None, execution_input: str | None) -> None:
    if name is not None and not _NAME.fullmatch(name):
        raise InvalidName(f"Invalid Name: '{name}'")
    if execution_input is None:
        return
    if len(execution_input.encode()) > _LARGEST_INPUT_BYTES:
        raise ValidationException(
            "1 validation error detected: Value at 'input' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LARGEST_INPUT_BYTES}"
        )
    try:
        json.loads(execution_input)
    except ValueError as error:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{error}'") from error


def _install_stop(cloud: Cloud) -> None:
    def stop_execution(response: Any) -> Any:
        execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
        error, cause = response._get_param("error"), response._get_param("cause")
        execution.stop(stop_date=cloud.clock.utcnow(), error=error, cause=cause)
        return ActionResult({"stopDate": execution.stop_date})

    cloud.patches.replace(f"{_RESPONSE}.stop_execution", stop_execution, "drops error and cause")


def describe_execution(response: Any) -> Any:
    """DescribeExecution, with the dates and details of every status."""
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    described = {
        **_summary(execution),
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": 0,
        "error": execution.error,
        "cause": execution.cause,
    }
    if execution.exec_status == ExecutionStatus.SUCCEEDED:
        described |= {"output": json.dumps(execution.output), "outputDetails": {"included": True}}
    return ActionResult({key: value for key, value in described.items() if value is not None})


def list_executions(response: Any) -> Any:
    """ListExecutions, newest first."""
    results, token = response.stepfunction_backend.list_executions(
        response._get_param("stateMachineArn"),
        status_filter=response._get_param("statusFilter"),
        max_results=response._get_int_param("maxResults"),
        next_token=response._get_param("nextToken"),
    )
    executions = [{k: v for k, v in _summary(execution).items() if v is not None} for execution in results]
    return ActionResult({"executions": executions, "nextToken": token})


def get_execution_history(response: Any) -> Any:
    """GetExecutionHistory, in either order and in pages."""
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    events = execution.to_history_output()["events"]
    if response._get_bool_param("reverseOrder"):
        events = events[::-1]
    start = int(response._get_param("nextToken") or 0)
    end = start + (response._get_int_param("maxResults") or 1000)
    page = {"events": events[start:end]}
    return ActionResult(page | ({"nextToken": str(end)} if end < len(events) else {}))


def _summary(execution: Any) -> dict[str, Any]:
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.start_date,
        "stopDate": execution.stop_date,
    }


def _report(cloud: Cloud, execution: Any) -> None:
    """The execution's status is an event on the default bus and a metric of its machine."""
    region = execution.region_name
    cloud.emit(
        "aws.states",
        "Step Functions Execution Status Change",
        _status_detail(execution),
        [execution.exec_arn],
        region=region,
    )
    dimensions = [{"Name": "StateMachineArn", "Value": execution.state_machine_arn}]
    data: list[dict[str, Any]] = [
        {"MetricName": _METRICS[execution.status], "Dimensions": dimensions, "Value": 1.0, "Unit": "Count"}
    ]
    if execution.stop_date is not None:
        milliseconds = (execution.stop_date - execution.start_date).total_seconds() * 1000
        data.append(
            {"MetricName": "ExecutionTime", "Dimensions": dimensions, "Value": milliseconds, "Unit": "Milliseconds"}
        )
    cloud.put_metrics("AWS/States", data, region=region)


def _status_detail(execution: Any) -> dict[str, Any]:
    output = json.dumps(execution.output) if execution.exec_status == ExecutionStatus.SUCCEEDED else None
    is_small = len(execution.execution_input) + len(output or "") <= _LARGEST_EVENT_DATA_BYTES
    return {
        "executionArn": execution.exec_arn,
        "stateMachineArn": execution.state_machine_arn,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": execution.name,
        "status": execution.status,
        "startDate": _milliseconds(execution.start_date),
        "stopDate": _milliseconds(execution.stop_date),
        "input": execution.execution_input if is_small else None,
        "inputDetails": {"included": is_small},
        "output": output if is_small else None,
        "outputDetails": {"included": is_small} if output is not None else None,
        "error": execution.error,
        "cause": execution.cause,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "The local cloud does not redrive executions",
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
