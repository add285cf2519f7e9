"""The part of the machine ``promotion`` that moves traffic, and the functions that it calls for it."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.arns import arn
from stacks.asl import THIS_MOMENT, WHY, Json, States, again, call, choose, equals, poll, remember, service, wait
from stacks.constructs.model_parts import ModelParts
from stacks.constructs.runtime_function import RuntimeFunction
from stacks.constructs.serving_rights import may_prove
from trimtab.errors import EndpointNotReady
from trimtab.spec import RolloutSpec
from trimtab.spec.timetable import is_conducted, longest_s, pace_s

_SETTLING_S = 30 * 60
"""Seconds that production may be busy with somebody else's change before a plan is given up."""
_PROMOTED = THIS_MOMENT | {"promotion.$": "$.promotion"}
_PLANNED = _PROMOTED | {"plan.$": "$.plan"}
_SAGEMAKER_BUSY = again(("SageMaker.AmazonSageMakerException", "SageMaker.SageMakerException"), first_s=10, attempts=4)
_TOO_SLOW = again(("Sandbox.Timedout", "States.Timeout"), first_s=5, attempts=3)
"""A look that did not end in time says nothing of the version that it looks at, and is taken again from the start."""
_ENDPOINT = {
    "EndpointName.$": "$.plan.request.EndpointName",
    "EndpointConfigName.$": "$.plan.request.EndpointConfigName",
}
_GUARDED = _ENDPOINT | {
    "DeploymentConfig.$": "$.plan.request.DeploymentConfig",
    "RetainAllVariantProperties.$": "$.plan.request.RetainAllVariantProperties",
    "ExcludeRetainedVariantProperties.$": "$.plan.request.ExcludeRetainedVariantProperties",
}
_STARTED = "$.started"


@dataclass(frozen=True)
class TrafficFunctions:
    """The functions that plan, move and watch. Nothing but guardrails needs no ``shift``."""

    plan: RuntimeFunction
    watch: RuntimeFunction
    shift: RuntimeFunction | None

    @property
    def all(self) -> tuple[RuntimeFunction, ...]:
        return (self.plan, self.watch, *([self.shift] if self.shift else []))


def traffic_functions(scope: Construct, parts: ModelParts) -> TrafficFunctions:
    """One model's functions, each with what its rollout needs and no more."""
    conducted = is_conducted(parts.spec.rollout)
    return TrafficFunctions(
        _plan_rollout(scope, parts), _watch_rollout(scope, parts), _shift_traffic(scope, parts) if conducted else None
    )


def moving_s(rollout: RolloutSpec) -> int:
    """Seconds after which traffic has moved, or is back, or somebody has been told why not."""
    return _SETTLING_S + longest_s(rollout) + 3600


def moving_states(functions: TrafficFunctions, rollout: RolloutSpec) -> States:
    """From PlanRollout to ConfirmServing, NoteNotBegun, ClosePromotion or NoteFailure, which are another's."""
    conducted = [equals("$.plan.conducted", True, "ShiftTraffic")] if functions.shift else []
    states = {
        "PlanRollout": call(
            functions.plan,
            _PROMOTED,
            result="$.plan",
            then="HowToMove",
            on_error="NoteFailure",
            retries=[poll(EndpointNotReady.__name__, every_s=15, for_s=_SETTLING_S)],
        ),
        "HowToMove": choose(
            equals("$.plan.action", "create", "CreateEndpoint"), *conducted, otherwise="UpdateEndpoint"
        ),
        "CreateEndpoint": _request("sagemaker:createEndpoint", _ENDPOINT),
        "UpdateEndpoint": _request("aws-sdk:sagemaker:updateEndpoint", _GUARDED),
    }
    shifting = _shifting(functions.shift, pace_s(rollout)) if functions.shift else {}
    return states | shifting | _watching(functions.watch, pace_s(rollout))


def _watching(watch: RuntimeFunction, every_s: int) -> States:
    """Every look is a state of its own, so that each has the time at which it is taken."""
    return {
        "WatchRollout": call(
            watch,
            _PLANNED | {"started.$": _STARTED},
            result="$.rollout",
            then="HasSettled",
            on_error="NoteFailure",
            retries=[_TOO_SLOW],
        ),
        "HasSettled": choose(equals("$.rollout.settled", True, "HasBegun"), otherwise="WaitForTraffic"),
        "WaitForTraffic": wait(every_s, then="WatchRollout"),
        "HasBegun": choose(equals("$.rollout.began", False, "NoteNotBegun"), otherwise="ConfirmServing"),
    }


def _shifting(shift: RuntimeFunction, every_s: int) -> States:
    """Looks and moves until nothing is left to be done; after an error, until traffic is where it was."""
    return {
        "ShiftTraffic": call(
            shift, _PLANNED, result="$.shift", then="WhatIsNext", on_error="ReturnTraffic", retries=[_TOO_SLOW]
        ),
        "WhatIsNext": choose(
            equals("$.shift.next", "look", "WaitToShift"),
            equals("$.shift.next", "move", "UpdateEndpoint"),
            equals("$.shift.next", "shadowed", "NoteShadowed"),
            otherwise="TakeOutcome",
        ),
        "NoteShadowed": remember(
            {"outcome": "Shadowed", "reason.$": "$.shift.reason"}, at="$.end", then="ClosePromotion"
        ),
        "WaitToShift": wait(every_s, then="ShiftTraffic"),
        "TakeOutcome": {
            "Type": "Pass",
            "InputPath": "$.shift.rollout",
            "ResultPath": "$.rollout",
            "Next": "HasBegun",
        },
        "ReturnTraffic": call(
            shift,
            _PLANNED | {"abandon.$": WHY},
            result="$.returned",
            then="HasReturned",
            on_error="NoteFailure",
            retries=[_TOO_SLOW],
        ),
        "HasReturned": choose(equals("$.returned.next", "look", "WaitToReturn"), otherwise="NoteFailure"),
        "WaitToReturn": wait(every_s, then="ReturnTraffic"),
    }


def _request(action: str, parameters: Json) -> Json:
    """An error is put where the answer would be: the request may have taken effect, and what is served tells."""
    return service(
        action,
        parameters,
        result=_STARTED,
        selector={"endpoint_arn.$": "$.EndpointArn"},
        then="WatchRollout",
        on_error="WatchRollout",
        error_at=_STARTED,
        retries=[_SAGEMAKER_BUSY],
        timeout_s=120,
    )


def _plan_rollout(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Makes model, configs and rollback alarms of the new version, asks the author's checks, and wakes a champion."""
    rollout = parts.spec.rollout
    function = parts.function(scope, "plan_rollout", timeout_s=180)
    parts.allow_models(function, serverless=rollout.endpoint.kind == "serverless")
    parts.allow_serving(function, "sagemaker:DescribeModel", "sagemaker:DescribeEndpointConfig")
    parts.allow_registry(function, "sagemaker:DescribeModelPackage")
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:DescribeEndpoint", "sagemaker:CreateEndpoint")
    parts.allow_alarms(function, "cloudwatch:PutMetricAlarm")
    _allow_checks(function, rollout.checks.before)
    return function


def _watch_rollout(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Compares the fleets, and takes traffic back when the new one is worse, unjudged or no longer approved."""
    function = _looking(scope, parts, "watch_rollout", "sagemaker:UpdateEndpoint", "sagemaker:DeleteEndpoint")
    parts.allow_alarms(function, "cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState")
    return function


def _shift_traffic(scope: Construct, parts: ModelParts) -> RuntimeFunction:
    """Moves endpoint and weights step by step, and tells people of holds; makes and rings no alarm."""
    changing = ("sagemaker:UpdateEndpoint", "sagemaker:UpdateEndpointWeightsAndCapacities")
    function = _looking(scope, parts, "shift_traffic", *changing)
    parts.allow_alarms(function)
    parts.notifications.grant_publish(function.role)
    return function


def _looking(scope: Construct, parts: ModelParts, verb_noun: str, *changing: str) -> RuntimeFunction:
    """A function that looks at production with the judge's eyes, and may change the endpoint."""
    function = parts.function(scope, verb_noun, timeout_s=180)
    parts.allow_registry(function, "sagemaker:DescribeModelPackage")
    asks = parts.spec.rollout.checks.golden or parts.spec.rollout.judge.synthetic != "never"
    parts.allow_endpoint(function.role, parts.names.endpoint, "sagemaker:DescribeEndpoint", *changing)
    if asks:
        may_prove(function, parts)
    parts.artifacts.grant_read(function.role, "runs", "rollouts")
    parts.artifacts.grant_write(function.role, "rollouts")
    parts.artifacts.grant_list(function.role)
    parts.captures.grant_read(function.role, "capture", "windows")
    parts.captures.grant_list(function.role)
    function.allow(parts.reading_metric_data())
    _allow_checks(function, parts.spec.rollout.checks.after)
    return function


def _allow_checks(function: RuntimeFunction, names: tuple[str, ...]) -> None:
    if names:
        resources = [arn("lambda", f"function:{name}") for name in names]
        function.allow(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=resources))
