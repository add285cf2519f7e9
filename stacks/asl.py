"""States of a state machine, written as the data that Step Functions reads (Amazon States Language, JSONPath).

Every task that is made here has a timeout, named retries and a catch; there is no other way to make one.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from trimtab.contracts import EVENT_SOURCE
from trimtab.errors import transient_names

Json = dict[str, Any]
States = dict[str, Json]

ERROR = "$.error"
"""Where a caught error lies in the state's data."""
LAMBDA_ERRORS = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
)
THIS_RUN: Json = {"model.$": "$.model", "at.$": "$.at", "execution.$": "$$.Execution.Name"}
"""What a function is told: the model, the time of the event that counts as now, and who asks."""
THIS_MOMENT: Json = THIS_RUN | {"at.$": "$$.State.EnteredTime"}
"""The same for steps that come long after the event: now is when the step began."""
WHY: Final = f"States.JsonToString({ERROR})"
"""A caught error as text. Its Cause may be missing, so it is not taken apart here."""
_SERVICE = "arn:aws:states:::"
_SLACK_S = 30
"""Seconds that a task may take longer than its function, for queueing and start-up."""


class Callee(Protocol):
    """A function that a state can invoke."""

    @property
    def arn(self) -> str: ...

    @property
    def timeout_s(self) -> int: ...


def machine(comment: str, first: str, states: States, *, timeout_s: int) -> Json:
    """A whole definition. An execution that is still running after ``timeout_s`` is ended."""
    return {"Comment": comment, "StartAt": first, "TimeoutSeconds": timeout_s, "States": states}


def call(
    function: Callee,
    payload: Json,
    *,
    result: str,
    then: str,
    on_error: str,
    retries: Sequence[Json] = (),
    waits_s: int = 0,
) -> Json:
    """A task that invokes ``function`` with ``payload`` and puts its answer at ``result``."""
    return task(
        function.arn,
        payload,
        result=result,
        then=then,
        on_error=on_error,
        retries=[*retries, again(LAMBDA_ERRORS), again(transient_names())],
        timeout_s=function.timeout_s + _SLACK_S + waits_s,
    )


def service(
    action: str,
    parameters: Json,
    *,
    result: str,
    then: str,
    on_error: str,
    retries: Sequence[Json],
    timeout_s: int,
    selector: Json | None = None,
    error_at: str = ERROR,
) -> Json:
    """A task that calls an AWS service, for example ``sagemaker:createTrainingJob.sync``."""
    state = task(
        _SERVICE + action,
        parameters,
        result=result,
        then=then,
        on_error=on_error,
        retries=retries,
        timeout_s=timeout_s,
        error_at=error_at,
    )
    return state | ({"ResultSelector": selector} if selector is not None else {})


def task(
    resource: str,
    parameters: Json,
    *,
    result: str,
    then: str,
    on_error: str,
    retries: Sequence[Json],
    timeout_s: int,
    error_at: str = ERROR,
) -> Json:
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": parameters,
        "ResultPath": result,
        "TimeoutSeconds": timeout_s,
        "Retry": list(retries),
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": error_at, "Next": on_error}],
        "Next": then,
    }


def announce(detail_type: str, detail: Json, *, then: str, on_error: str) -> Json:
    """A task that puts one of Trimtab's own events on the default bus."""
    entry = {"Source": EVENT_SOURCE, "DetailType": detail_type, "Detail": detail}
    return service(
        "events:putEvents",
        {"Entries": [entry]},
        result="$.announced",
        selector={"failed.$": "$.FailedEntryCount"},
        then=then,
        on_error=on_error,
        retries=[again(("EventBridge.FailedEntry", "Events.EventBridgeException", "Events.InternalException"))],
        timeout_s=60,
    )


def again(errors: Sequence[str], *, first_s: int = 2, attempts: int = 5, most_s: int = 60) -> Json:
    """Retries with growing, jittered pauses up to ``most_s`` seconds: for errors that pass."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": first_s,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": most_s,
        "JitterStrategy": "FULL",
    }


def poll(error: str, *, every_s: int, for_s: int) -> Json:
    """Asks again at an even pace while the callee raises ``error``, for about ``for_s`` seconds."""
    attempts = max(1, for_s // every_s)
    return {"ErrorEquals": [error], "IntervalSeconds": every_s, "MaxAttempts": attempts, "BackoffRate": 1}


def choose(*branches: Json, otherwise: str) -> Json:
    return {"Type": "Choice", "Choices": list(branches), "Default": otherwise}


def equals(variable: str, value: str | bool, then: str) -> Json:
    operator = "BooleanEquals" if isinstance(value, bool) else "StringEquals"
    return {"Variable": variable, operator: value, "Next": then}


def exceeds(variable: str, value: int, then: str) -> Json:
    return {"Variable": variable, "NumericGreaterThan": value, "Next": then}


def matches(variable: str, pattern: str, then: str) -> Json:
    return {"Variable": variable, "StringMatches": pattern, "Next": then}


def absent(variable: str, then: str) -> Json:
    return {"Variable": variable, "IsNull": True, "Next": then}


def present(variable: str, then: str) -> Json:
    """When an earlier step has written ``variable``."""
    return {"Variable": variable, "IsPresent": True, "Next": then}


def uncaught(state: Json) -> Json:
    """A task whose failure ends the execution there, so that a redrive begins with it."""
    return {key: value for key, value in state.items() if key != "Catch"}


def spread(
    items: str,
    item: Json,
    processor: States,
    *,
    label: str,
    at_once: int,
    result: str,
    then: str,
    on_error: str,
) -> Json:
    """A Distributed Map: every element of the list at ``items`` is worked on in an execution of its own.

    ``item`` is what such an execution is given; its first state is the first of ``processor``. When one fails, all do.
    """
    return {
        "Type": "Map",
        "Label": label,
        "ItemsPath": items,
        "ItemSelector": item,
        "MaxConcurrency": at_once,
        "ToleratedFailurePercentage": 0,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": next(iter(processor)),
            "States": processor,
        },
        "ResultPath": result,
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": ERROR, "Next": on_error}],
        "Next": then,
    }


def one_share(function: Callee, fields: Sequence[str], *, does: str, done: str, failed: str, counts: str) -> States:
    """What each child of a ``spread`` does: ``function`` is told the run, ``fields`` and its share.

    The states are named ``does``, ``done`` and ``failed``. Its output is the number ``counts`` of the answer, so that
    those of all children fit into the parent's data.
    """
    payload = {f"{field}.$": f"$.{field}" for field in ("model", "at", "execution", *fields, "share")}
    return {
        does: call(function, payload, result="$.read", then=done, on_error=failed),
        done: succeed("What it has read is stored.") | {"OutputPath": f"$.read.{counts}"},
        failed: fail(failed),
    }


def remember(values: Json, *, at: str, then: str) -> Json:
    """Puts ``values`` into the data at ``at``."""
    return {"Type": "Pass", "Parameters": values, "ResultPath": at, "Next": then}


def wait(seconds: int, *, then: str) -> Json:
    return {"Type": "Wait", "Seconds": seconds, "Next": then}


def succeed(comment: str) -> Json:
    return {"Type": "Succeed", "Comment": comment}


def fail(error: str, cause: str = WHY) -> Json:
    """Ends the execution as failed. What was caught is the cause: its own name may be one that only AWS may use."""
    return {"Type": "Fail", "Error": error, "CausePath": cause}


def record_failure(function: Callee, machine_name: str) -> States:
    """RecordFailure and Failed: where every error of a machine ends that has nothing to release."""
    payload = THIS_MOMENT | {"machine": machine_name, "error.$": ERROR}
    return {
        "RecordFailure": call(function, payload, result="$.recorded", then="Failed", on_error="Failed"),
        "Failed": fail(f"{machine_name.capitalize()}Failed"),
    }
