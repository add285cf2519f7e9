"""What is refused when a state machine is created: integrations and parameters that could only fail at run time."""

import functools
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import botocore.session
from botocore.exceptions import BotoCoreError

from localcloud.stepfunctions.distributed_map import is_distributed
from localcloud.stepfunctions.map_items import LISTING, OBJECT, PARSERS

_TASK: Final = re.compile(r"arn:[\w-]+:states:[\w-]*:\d*:([\w-]+):(.+)")
_PLAIN: Final = frozenset({""})
_TOKEN: Final = frozenset({"", "waitForTaskToken"})
_JOB: Final = frozenset({"", "sync"})
INTEGRATIONS: Final[dict[str, dict[str, frozenset[str]]]] = {
    "lambda": {"invoke": _TOKEN},
    "events": {"putEvents": _TOKEN},
    "sns": {"publish": _TOKEN},
    "sqs": {"sendMessage": _TOKEN},
    "states": {"startExecution": _TOKEN | {"sync", "sync:2"}},
    "dynamodb": dict.fromkeys(("getItem", "putItem", "updateItem", "deleteItem"), _PLAIN),
    "sagemaker": {
        "createTrainingJob": _JOB,
        "createProcessingJob": _JOB,
        "createTransformJob": _JOB,
        "createHyperParameterTuningJob": _JOB,
        "createModel": _PLAIN,
        "createEndpointConfig": _PLAIN,
        "createEndpoint": _PLAIN,
        "updateEndpoint": _PLAIN,
    },
}
_DISTRIBUTED: Final = {
    "ItemReader": {"Resource", "Parameters", "ReaderConfig"},
    "ItemBatcher": {
        "MaxItemsPerBatch",
        "MaxItemsPerBatchPath",
        "MaxInputBytesPerBatch",
        "MaxInputBytesPerBatchPath",
        "BatchInput",
    },
    "ResultWriter": {"Resource", "Parameters"},
}
SDK_NAMES: Final = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "eventbridge": "events",
    "cloudwatchlogs": "logs",
    "elasticloadbalancingv2": "elbv2",
    "sagemakerruntime": "sagemaker-runtime",
}


class Unsupported(ValueError):
    """Raised for a definition that the local cloud does not run, although AWS might."""


def check(definition: str, machine_type: str | None = None) -> None:
    """Every task of the machine can run here. Raises Unsupported; malformed JSON is left to the parser."""
    if (machine_type or "STANDARD") != "STANDARD":
        raise Unsupported(f"The local cloud runs Standard workflows only, not {machine_type}.")
    try:
        document = json.loads(definition)
    except ValueError:
        return
    for machine in _machines(document):
        _check_transitions(machine)
        for name, state in machine["States"].items():
            if "JSONata" in (machine.get("QueryLanguage"), state.get("QueryLanguage")):
                raise Unsupported(f"State {name}: the local cloud evaluates JSONPath only, not JSONata.")
            if state.get("Type") == "Task":
                _check_task(name, state)
            if state.get("Type") == "Map" and is_distributed(state):
                _check_distributed(name, state)


@functools.cache
def service_model(service: str) -> Any:
    """botocore's model of a service. Raises BotoCoreError for a name it does not know."""
    return _session().get_service_model(service)


def boto_service(name: str) -> str:
    """botocore's name of the service that an `aws-sdk:` resource names."""
    return SDK_NAMES.get(name.lower(), name.lower())


def _machines(document: Any) -> Iterator[dict[str, Any]]:
    """The machine and those nested in its Parallel and Map states; what is malformed is left to the parser."""
    if not isinstance(document, dict) or not isinstance(document.get("States"), dict):
        return
    states = [state for state in document["States"].values() if isinstance(state, dict)]
    if len(states) == len(document["States"]):
        yield document
    for state in states:
        for nested in (*(state.get("Branches") or []), state.get("Iterator"), state.get("ItemProcessor")):
            yield from _machines(nested)


def _check_transitions(machine: dict[str, Any]) -> None:
    targets = [("StartAt", machine.get("StartAt"))]
    targets += [(f"state {name}", target) for name, state in machine["States"].items() for target in _targets(state)]
    for origin, target in targets:
        if target not in machine["States"]:
            raise Unsupported(f"MISSING_TRANSITION_TARGET: {origin} goes to {target!r}, which does not exist.")
    for name, state in machine["States"].items():
        ends = sum((bool(state.get("End")), state.get("Next") is not None))
        if ends != (0 if state.get("Type") in ("Choice", "Succeed", "Fail") else 1):
            raise Unsupported(
                f"State {name} needs exactly one of Next and End, unless it is a Choice, Succeed or Fail."
            )


def _targets(state: dict[str, Any]) -> Iterator[Any]:
    choices, catchers = state.get("Choices") or [], state.get("Catch") or []
    yield from (holder["Next"] for holder in (state, *choices, *catchers) if "Next" in holder)
    if "Default" in state:
        yield state["Default"]


def _check_distributed(name: str, state: dict[str, Any]) -> None:
    for field, known in _DISTRIBUTED.items():
        unknown = state.get(field, {}).keys() - known
        if unknown:
            raise Unsupported(f"State {name}: the local cloud does not know {field} with {', '.join(sorted(unknown))}.")
    reader, writer = state.get("ItemReader"), state.get("ResultWriter")
    if writer is not None and not writer.get("Resource", "").endswith(":s3:putObject"):
        raise Unsupported(f"State {name}: ResultWriter needs the resource arn:aws:states:::s3:putObject.")
    if reader is None:
        return
    kind = reader.get("ReaderConfig", {}).get("InputType")
    if reader.get("Resource") != LISTING and (reader.get("Resource") != OBJECT or kind not in PARSERS):
        readable = f"{LISTING}, or {OBJECT} with an InputType of {', '.join(PARSERS)}"
        raise Unsupported(f"State {name}: the local cloud reads items from {readable}.")


def _check_task(name: str, state: dict[str, Any]) -> None:
    resource = state.get("Resource", "")
    found = _TASK.fullmatch(resource)
    if "Credentials" in state:
        raise Unsupported(f"State {name}: the local cloud runs every state with the machine's role, not Credentials.")
    if found is None:
        if ":lambda:" in resource:
            return
        raise Unsupported(f"State {name}: the local cloud does not know the resource {resource}.")
    service, rest = found.groups()
    action, _, pattern = rest.partition(".")
    if service == "aws-sdk":
        _check_sdk_call(name, state, action, pattern)
    else:
        _check_integration(name, state, service, action, pattern)


def _check_integration(name: str, state: dict[str, Any], service: str, action: str, pattern: str) -> None:
    if pattern not in INTEGRATIONS.get(service, {}).get(action, frozenset()):
        raise Unsupported(f"State {name}: the local cloud does not run {state['Resource']}.")
    _check_parameters(name, state, boto_service(service), action)


def _check_sdk_call(name: str, state: dict[str, Any], call: str, pattern: str) -> None:
    service, _, action = call.partition(":")
    if pattern not in _TOKEN or _operation(boto_service(service), action) is None:
        raise Unsupported(f"State {name}: {state['Resource']} is not an action of an AWS SDK.")
    _check_parameters(name, state, boto_service(service), action)


def _check_parameters(name: str, state: dict[str, Any], service: str, action: str) -> None:
    given = state.get("Parameters", state.get("Arguments"))
    operation = _operation(service, action)
    if not isinstance(given, dict) or operation is None:
        return
    known = {member.lower() for member in _members(operation)}
    for key in given:
        if key.removesuffix(".$").lower() not in known:
            raise Unsupported(f"State {name}: the field {key!r} is not supported by {state['Resource']}.")


def _members(operation: Any) -> list[str]:
    return list(operation.input_shape.members) if operation.input_shape is not None else []


@functools.cache
def _operation(service: str, action: str) -> Any:
    """botocore's model of an operation by its name in camel case, None when there is none."""
    try:
        model = service_model(service)
    except BotoCoreError:
        return None
    name = next((name for name in model.operation_names if name.lower() == action.lower()), None)
    return None if name is None else model.operation_model(name)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()
