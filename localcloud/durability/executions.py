"""Step Functions: a row for each execution, saved when it starts and when it ends."""

import copyreg
from typing import Any, Final
from weakref import WeakValueDictionary

from localcloud.cloud import Cloud
from localcloud.durability.backends import backend_of

_STOPPED: Final = "The local cloud was stopped while the execution was running."


def install(cloud: Cloud) -> None:
    """Executions are saved whenever their status changes; those that ran when the process ended have failed."""
    from moto.stepfunctions.models import StateMachine

    from localcloud.stepfunctions.executions import ReportingExecution

    cloud.durable.codec.reducers[StateMachine] = _without_executions
    ReportingExecution.keep = _Executions(cloud).keep


class _Executions:
    """Executions by their ARN."""

    def __init__(self, cloud: Cloud) -> None:
        self._known: WeakValueDictionary[str, Any] = WeakValueDictionary()
        self._kept = cloud.durable.keep("stepfunctions.executions", dump=self._known.get, load=self._load)
        cloud.durable.after_load(self._attach)
        cloud.durable.on_restart(self._interrupt)
        self._loaded: list[Any] = []

    def keep(self, execution: Any) -> None:
        """The execution is saved as it is now, or a little later."""
        self._known[execution.exec_arn] = execution
        self._kept.changed(execution.exec_arn)

    def _load(self, execution: Any, _arn: str) -> None:
        self._loaded.append(execution)

    def _attach(self) -> None:
        """Each is listed with its state machine, when that still exists."""
        by_arn = {execution.exec_arn: execution for execution in self._loaded}
        for execution in self._loaded:
            execution.rejoin(by_arn)
            backend = backend_of("stepfunctions", execution.account_id, execution.region_name)
            for machine in backend.state_machines:
                is_listed = execution.sm_type == "STANDARD"
                if is_listed and machine.arn == execution.state_machine_arn.partition("/")[0]:
                    machine.executions.append(execution)

    def _interrupt(self) -> None:
        for execution in self._loaded:
            if execution.status == "RUNNING":
                execution.interrupt(_STOPPED)
            for run in execution.map_runs.values():
                if run.status == "RUNNING":
                    run.status, run.stop_date = "FAILED", execution.stop_date
            self.keep(execution)
        self._loaded.clear()


def _without_executions(machine: Any) -> tuple[Any, ...]:
    return copyreg.__newobj__, (type(machine),), {**machine.__dict__, "executions": []}  # type: ignore[attr-defined]
