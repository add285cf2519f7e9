"""Distributed Map: each item, or batch of items, is an execution of its own.

moto's parser knows only a part of the state's fields, and its engine runs the items inside the parent. So the parser is
given the state without those fields (the original travels along in the comment), and what runs is the code below.
Unproven against AWS: the error of a role that may not start children, and the order of results among failures.
"""

import base64
import functools
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, NoReturn

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.utils import boto_client

from localcloud.cloud import Cloud
from localcloud.stepfunctions.map_items import ReaderFailed, batched, read
from localcloud.stepfunctions.map_results import Child, Json, MapRun, outputs, written

MOST_AT_ONCE: Final = 40
_LOOK_SECONDS: Final = 0.03
_PARSER: Final = "moto.stepfunctions.parser.asl.parse.asl_parser:AmazonStateLanguageParser.parse"
_STATE: Final = "moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map:StateMap"
_KEPT: Final = frozenset(
    (
        "Type",
        "ItemProcessor",
        "InputPath",
        "OutputPath",
        "ResultPath",
        "ResultSelector",
        "Retry",
        "Catch",
        "Next",
        "End",
    )
)


def install(cloud: Cloud) -> None:
    """Distributed Map states start child executions; definitions are parsed once."""

    @functools.lru_cache(maxsize=256)
    def parse(definition: str) -> Any:
        return original_parse(prepared(definition))

    def evaluate(state: Any, env: Any) -> None:
        declared = _declaration(state)
        if declared is None:
            original_evaluate(state, env)
        else:
            env.stack.append(_Evaluation(cloud, state.name, declared, env, parse).result())

    original_parse = cloud.patches.replace(_PARSER, staticmethod(parse), "does not know all of Distributed Map")
    original_evaluate = cloud.patches.replace(f"{_STATE}._eval_execution", evaluate, "runs items without executions")


def prepared(definition: str) -> str:
    """The definition as moto can parse it; what is malformed stays as it is."""
    try:
        document = json.loads(definition)
    except ValueError:
        return definition
    return json.dumps(_machine(document)) if "DISTRIBUTED" in definition else definition


def is_distributed(state: Json) -> bool:
    """Whether a state is a Distributed Map."""
    processor = state.get("ItemProcessor")
    return isinstance(processor, dict) and processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"


def _machine(machine: Any) -> Any:
    if not isinstance(machine, dict) or not isinstance(machine.get("States"), dict):
        return machine
    return machine | {"States": {name: _state(state) for name, state in machine["States"].items()}}


def _state(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    inner = {key: _machine(state[key]) for key in ("Iterator", "ItemProcessor") if key in state}
    if isinstance(state.get("Branches"), list):
        inner["Branches"] = [_machine(branch) for branch in state["Branches"]]
    if not is_distributed(state):
        return state | inner
    whole = base64.b64encode(json.dumps(state).encode()).decode()
    inner["ItemProcessor"]["ProcessorConfig"] = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    return {key: value for key, value in (state | inner).items() if key in _KEPT} | {"Comment": whole}


def _declaration(state: Any) -> Json | None:
    """The whole state as its author wrote it; None when it is not distributed."""
    if not type(state.iteration_component).__name__.startswith("Distributed"):
        return None
    whole: Json = json.loads(base64.b64decode(state.comment.comment))
    return whole


class _ChildMachine:
    """What an execution needs to know of its state machine, for the children of a Map Run."""

    def __init__(self, arn: str, processor: Json, child_type: str) -> None:
        self.arn, self.name, self.sm_type = arn, arn.rsplit(":", 1)[-1], child_type
        self.definition = json.dumps({key: value for key, value in processor.items() if key != "ProcessorConfig"})
        self.loggingConfiguration: Json = {}


class _Evaluation:
    """One evaluation of a Distributed Map state."""

    def __init__(self, cloud: Cloud, name: str, declared: Json, env: Any, parse: Callable[[str], Any]) -> None:
        self._cloud, self._name, self._declared, self._env, self._parse = cloud, name, declared, env, parse
        self._parent = env.event_manager.execution
        self._input = env.stack[-1]

    def result(self) -> Any:
        """What the state gives. Raises the engine's failure when too many items fail, or S3 does."""
        self._event("MapStateStarted", mapStateStartedEventDetails={"length": 0})
        run = self._redriven() or self._new_run()
        try:
            if not run.children:
                run.children = self._children()
            self._permitted(run)
            self._work(run)
            if run.is_intolerable():
                self._written(run)
                self._fail("ExceedToleratedFailureThreshold", "The specified tolerated failure threshold was exceeded")
            result = outputs(run) if "ResultWriter" not in self._declared else self._written(run)
        except FailureEventException as failure:
            self._close(run, "FAILED")
            (details,) = failure.failure_event.event_details.values()
            self._event("MapRunFailed", mapRunFailedEventDetails=details)
            raise
        self._close(run, "SUCCEEDED" if self._env.is_running() else "ABORTED")
        for what in ("MapRun", "MapState"):
            self._event(f"{what}{run.status.title()}")
        return result

    def _new_run(self) -> MapRun:
        label, run_id = self._declared.get("Label") or str(uuid.uuid4()), uuid.uuid4()
        machine = self._parent.state_machine_arn
        run = MapRun(
            arn=f"{machine.replace(':stateMachine:', ':mapRun:')}/{label}:{run_id}",
            execution_arn=self._parent.exec_arn,
            machine_arn=f"{machine}/{label}",
            child_type=self._declared["ItemProcessor"]["ProcessorConfig"].get("ExecutionType", "STANDARD"),
            max_concurrency=int(self._number(self._declared, "MaxConcurrency") or 0),
            tolerated_count=self._number(self._declared, "ToleratedFailureCount"),
            tolerated_percentage=self._number(self._declared, "ToleratedFailurePercentage"),
            start_date=self._cloud.clock.utcnow(),
        )
        self._parent.map_runs[self._place()] = run
        self._event("MapRunStarted", mapRunStartedEventDetails={"mapRunArn": run.arn})
        return run

    def _redriven(self) -> MapRun | None:
        """The run that the redrive of its execution continues."""
        run: MapRun | None = self._parent.map_runs.get(self._place())
        if run is None or not self._parent.is_redriven(run.stop_date) or run.status == "SUCCEEDED":
            return None
        run.redrive_count, run.redrive_date, run.status = run.redrive_count + 1, self._cloud.clock.utcnow(), "RUNNING"
        for child in run.children:
            child.waits = child.status != "SUCCEEDED"
        details = {"mapRunArn": run.arn, "redriveCount": run.redrive_count}
        self._event("MapRunRedriven", mapRunRedrivenEventDetails=details)
        return run

    def _place(self) -> tuple[Any, ...]:
        return (*self._env.place, self._name)

    def _children(self) -> list[Child]:
        items = [self._selected(index, item) for index, item in enumerate(self._items())]
        batcher = self._declared.get("ItemBatcher")
        if batcher is None:
            return [Child(item, 1) for item in items]
        sizes = [self._number(batcher, f"Max{kind}PerBatch") for kind in ("Items", "InputBytes")]
        common = self._value(batcher["BatchInput"]) if "BatchInput" in batcher else None
        try:
            return [Child(document, count) for document, count in batched(items, sizes[0], sizes[1], common)]
        except ValueError as error:
            self._fail("ItemReaderFailed", str(error))

    def _items(self) -> list[Any]:
        reader = self._declared.get("ItemReader")
        if reader is None:
            items = self._value({"at.$": self._declared.get("ItemsPath", "$")})["at"]
            if not isinstance(items, list):
                self._fail("Runtime", "The items to map are not a list.")
            return items
        config = reader.get("ReaderConfig", {})
        parameters = self._value(reader.get("Parameters", {}))
        try:
            return read(reader["Resource"], self._client("s3"), parameters, config, self._number(config, "MaxItems"))
        except (ClientError, ReaderFailed) as error:
            self._fail("ItemReaderFailed", str(error))

    def _selected(self, index: int, item: Any) -> Any:
        if "ItemSelector" not in self._declared:
            return item
        context = self._env.states.context_object.context_object_data
        context["Map"] = {"Item": {"Index": index, "Value": item}}
        return self._value(self._declared["ItemSelector"])

    def _permitted(self, run: MapRun) -> None:
        """The role may start executions of its machine: a start that is refused for its name alone says so."""
        try:
            self._client("stepfunctions").start_execution(stateMachineArn=self._parent.state_machine_arn, name="?")
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidName":
                self._fail("Permissions", f"The Map Run {run.arn} may not start its children: {error}")

    def _work(self, run: MapRun) -> None:
        """Every child has ended, or the run cannot succeed any more, or the execution has ended."""
        waiting = deque(child for child in run.children if child.waits)
        running: list[Child] = []
        most = min(run.max_concurrency or MOST_AT_ONCE, MOST_AT_ONCE)
        while self._env.is_running() and (waiting or running):
            while waiting and len(running) < most:
                running.append(self._started(run, waiting.popleft()))
            time.sleep(_LOOK_SECONDS)
            left = [child for child in running if child.status == "RUNNING"]
            if len(left) < len(running) and run.is_intolerable():
                break
            running = left
        for child in running:
            child.execution.stop(stop_date=self._cloud.clock.utcnow(), error=None, cause=None)

    def _started(self, run: MapRun, child: Child) -> Child:
        child.waits = False
        if child.execution is not None and run.child_type == "STANDARD":
            child.execution.redrive()
            return child
        machine = _ChildMachine(run.machine_arn, self._declared["ItemProcessor"], run.child_type)
        child.execution = self._parent.child(machine, json.dumps(child.input), run.arn)
        child.execution.start()
        self._parent.keep(self._parent)
        return child

    def _written(self, run: MapRun) -> Json:
        if "ResultWriter" not in self._declared:
            return {}
        target = self._value(self._declared["ResultWriter"]["Parameters"])
        try:
            return written(run, self._client("s3"), target["Bucket"], target.get("Prefix", ""))
        except ClientError as error:
            self._fail("ResultWriterFailed", str(error))

    def _close(self, run: MapRun, status: str) -> None:
        run.status, run.stop_date = status, self._cloud.clock.utcnow()

    def _number(self, holder: Json, name: str) -> Any:
        """A field that is given as a number or, with Path after its name, as a place in the input."""
        path = holder.get(f"{name}Path")
        return holder.get(name) if path is None else self._value({"at.$": path})["at"]

    def _value(self, template: Json) -> Any:
        """The template filled in from the state's input and the context object."""
        state = {"Type": "Pass", "Parameters": template, "End": True}
        program, _tree = self._parse(json.dumps({"StartAt": "_", "States": {"_": state}}))
        kept, self._env.stack = self._env.stack, [self._input]
        try:
            program.states.states["_"].parameters.eval(self._env)
            return self._env.stack[-1]
        finally:
            self._env.stack = kept

    def _client(self, service: str) -> Any:
        role = SimpleNamespace(role_arn=self._parent.role_arn, machine_arn=self._parent.state_machine_arn)
        return boto_client.boto_client_for(region=self._parent.region_name, service=service, state_credentials=role)

    def _event(self, kind: str, **details: Json) -> None:
        self._env.event_manager.add_event(
            context=self._env.event_history_context, event_type=kind, event_details=details or None
        )

    def _fail(self, error: str, cause: str) -> NoReturn:
        kind = StatesErrorNameType.from_name(f"States.{error}")
        details = {"mapRunFailedEventDetails": {"error": kind.to_name(), "cause": cause}}
        raise FailureEventException(FailureEvent(self._env, StatesErrorName(typ=kind), "MapRunFailed", details))
