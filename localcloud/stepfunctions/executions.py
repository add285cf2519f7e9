"""Executions: what runs, what is told of it, and how it goes on after a redrive."""

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from localcloud.cloud import Cloud
from localcloud.stepfunctions.history import History, as_json, log_session
from localcloud.stepfunctions.map_results import MapRun
from localcloud.stepfunctions.redrive import Place, Points

_LARGEST_EVENT_DATA_BYTES: Final = 248 * 1024
_REDRIVABLE: Final = timedelta(days=14)
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


class Worker(ExecutionWorker):  # type: ignore[misc]  # moto has no type information
    """Evaluates an execution, or goes on with it after a redrive."""

    def _get_evaluation_environment(self) -> Any:
        env, execution = super()._get_evaluation_environment(), self._execution_communication.execution
        env.place, env.event_manager = (), execution.history
        env.states.context_object.context_object_data["Execution"].update(execution.redrives())
        return env

    def _execution_logic(self) -> None:
        execution = self._execution_communication.execution
        if execution.redrive_count == 0:
            super()._execution_logic()
            return
        program, self.env = self._get_evaluation_entrypoint(), self._get_evaluation_environment()
        self.env.event_history_context.source_event_id = execution.history.last_id
        details = {"executionRedrivenEventDetails": {"redriveCount": execution.redrive_count}}
        self.env.event_manager.add_event(self.env.event_history_context, HistoryEventType.ExecutionRedriven, details)
        program.eval(self.env)
        self._execution_communication.terminated()


class ReportingExecution(Execution):  # type: ignore[misc]  # moto has no type information
    """An execution that reports each change of its status and can be redriven."""

    cloud: ClassVar[Cloud]
    keep: ClassVar[Callable[[Any], None]]
    _ending: ClassVar[threading.Lock] = threading.Lock()
    output: Any
    stop_date: datetime | None
    error: str | None
    cause: str | None

    def __init__(self, map_run_arn: str | None = None, **given: Any) -> None:
        super().__init__(**given)
        self.map_run_arn = map_run_arn
        self.points = Points()
        self.map_runs: dict[Place, MapRun] = {}
        self.redrive_count = 0
        self.redrive_date: datetime | None = None
        self.history = History(self, log_session(self.cloud, self))

    def __getstate__(self) -> dict[str, Any]:
        """All but the worker, whose threads cannot outlive the process."""
        return self.__dict__ | {"exec_worker": None}

    def _get_start_execution_worker_comm(self) -> Any:
        return _WorkerCommunication(self)

    def get_start_execution_details(self) -> Any:
        """The context object's data, with the start as the text that AWS gives."""
        details = super().get_start_execution_details()
        details.start_time = self.start_date.isoformat()
        return details

    def child(self, machine: Any, document: str, map_run_arn: str) -> "ReportingExecution":
        """A new execution of a Map Run of this one; Express children are listed nowhere."""
        name, is_standard = str(uuid.uuid4()), machine.sm_type == "STANDARD"
        kind = ":execution:" if is_standard else ":express:"
        arn = f"{machine.arn.replace(':stateMachine:', kind)}:{name}" + ("" if is_standard else f":{uuid.uuid4()}")
        given = {"account_id": self.account_id, "region_name": self.region_name, "role_arn": self.role_arn}
        made = ReportingExecution(
            map_run_arn,
            name=name,
            sm_type=machine.sm_type,
            exec_arn=arn,
            state_machine=machine,
            start_date=_now(),
            cloud_watch_logging_session=None,
            activity_store={},
            input_data=document,
            **given,
        )
        if is_standard:
            backend = models.stepfunctions_parser_backends[self.account_id][self.region_name]
            backend._get_state_machine_for_execution(self.exec_arn).executions.append(made)
        return made

    def start(self) -> None:
        """The execution is running and has said so."""
        self.exec_status = ExecutionStatus.RUNNING
        _report(self.cloud, self)
        super().start()

    def redrive(self) -> None:
        """The execution runs again, from where it failed."""
        self.points.resume()
        self.redrive_count, self.redrive_date = self.redrive_count + 1, _now()
        self.stop_date = self.error = self.cause = self.exec_worker = None
        self.start()

    def redrives(self) -> dict[str, Any]:
        """What the context object tells of redrives."""
        when = {"RedriveTime": self.redrive_date.isoformat()} if self.redrive_date else {}
        return {"RedriveCount": self.redrive_count} | when

    def rejoin(self, executions: Mapping[str, "ReportingExecution"]) -> None:
        """After a restart, the children of its Map Runs are executions again."""
        for run in self.map_runs.values():
            for child in run.children:
                child.execution = executions.get(child.execution)

    def interrupt(self, cause: str) -> None:
        """The process that ran the execution is gone: it has failed, and may be redriven."""
        self.stop_date, self.error, self.cause = _now(), "States.Runtime", cause
        self.exec_status = ExecutionStatus.FAILED
        details = {"executionFailedEventDetails": {"error": self.error, "cause": cause}}
        context = EventHistoryContext(previous_event_id=self.history.last_id)
        self.history.add_event(context, HistoryEventType.ExecutionFailed, details)
        _report(self.cloud, self)

    def is_redriven(self, since: datetime | None) -> bool:
        """Whether the latest redrive was after `since`."""
        return self.redrive_date is not None and since is not None and self.redrive_date >= since

    def ended(self) -> None:
        """The execution has its final status and has said so; one that was stopped has done so before."""
        with self._ending:
            if self.exec_status != ExecutionStatus.RUNNING:
                return
            BaseExecutionWorkerCommunication(self)._reflect_execution_status()
        if self.output is not None:
            self.output = as_json(self.output)
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
    execution.keep(execution)


def _status_detail(execution: Any) -> dict[str, Any]:
    output = json.dumps(execution.output) if execution.exec_status == ExecutionStatus.SUCCEEDED else None
    status, reason = redrivability(execution)
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
        "redriveCount": execution.redrive_count,
        "redriveDate": _milliseconds(execution.redrive_date),
        "redriveStatus": status,
        "redriveStatusReason": reason,
    }


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def redrivability(execution: Any) -> tuple[str, str | None]:
    """DescribeExecution's `redriveStatus` and its reason."""
    status = execution.status
    if status in ("RUNNING", "SUCCEEDED"):
        return "NOT_REDRIVABLE", f"Execution is {status} and cannot be redriven"
    if execution.history.is_full:
        return "NOT_REDRIVABLE", "Execution history event limit exceeded"
    if execution.stop_date is not None and _now() - execution.stop_date > _REDRIVABLE:
        return "NOT_REDRIVABLE", "Execution redrivable period exceeded"
    if execution.map_run_arn is not None:
        return "REDRIVABLE_BY_MAP_RUN", "Execution is a child of a Map Run: redrive its parent"
    return "REDRIVABLE", None


def _now() -> Any:
    return models.datetime.datetime.now(tz=UTC)
