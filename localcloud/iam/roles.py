"""Roles: who may assume one, and who may hand one to a service (iam:PassRole)."""

from collections.abc import Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.decision import Denial, Principal
from localcloud.iam.policies import Access

ASSUME = "sts:AssumeRole"
DEFAULT_SECONDS = 3600
# (service, operation): where in the parameters the role is, as a path
_PASSED = {
    ("lambda", "CreateFunction"): ("Role",),
    ("lambda", "UpdateFunctionConfiguration"): ("Role",),
    ("states", "CreateStateMachine"): ("roleArn",),
    ("states", "UpdateStateMachine"): ("roleArn",),
    ("events", "PutRule"): ("RoleArn",),
    ("events", "PutTargets"): ("Targets", "RoleArn"),
    ("scheduler", "CreateSchedule"): ("Target", "RoleArn"),
    ("scheduler", "UpdateSchedule"): ("Target", "RoleArn"),
    ("sagemaker", "CreateTrainingJob"): ("RoleArn",),
    ("sagemaker", "CreateProcessingJob"): ("RoleArn",),
    ("sagemaker", "CreateHyperParameterTuningJob"): ("TrainingJobDefinition", "RoleArn"),
    ("sagemaker", "CreateModel"): ("ExecutionRoleArn",),
    ("sagemaker", "CreateEndpointConfig"): ("ExecutionRoleArn",),
    ("cloudformation", "CreateChangeSet"): ("RoleARN",),
    ("cloudformation", "CreateStack"): ("RoleARN",),
    ("cloudformation", "UpdateStack"): ("RoleARN",),
    ("cloudformation", "DeleteStack"): ("RoleARN",),
}


def passed_roles(call: Call) -> Iterator[Access]:
    """An iam:PassRole access for each role that the call hands to its service."""
    path = _PASSED.get((call.service, call.operation))
    for role in _at(call.parameters, path) if path else ():
        context = {"iam:passedtoservice": (f"{call.service}.amazonaws.com",)}
        yield Access("iam:PassRole", role, context)


def assuming(who: Principal, call: Call, role: Any | None) -> Access | Denial:
    """The access that assuming the role is; a Denial when the role is not there or the session would last too long.

    Raises NotImplementedError for sessions with tags, a source identity or managed policies: moto forgets them.
    """
    arn, service = call.text("RoleArn"), who.identity.service
    unknown = [name for name in ("Tags", "SourceIdentity", "PolicyArns") if call.parameters.get(name)]
    if unknown:
        raise NotImplementedError(f"sessions have no {', '.join(unknown)} here")
    if role is None:
        return Denial(who.arn, ASSUME, arn, "because there is no such role")
    if not service and int(call.text("DurationSeconds") or 0) > int(role.max_session_duration or DEFAULT_SECONDS):
        reason = "because the requested DurationSeconds exceeds the MaxSessionDuration set for this role"
        return Denial(who.arn, ASSUME, arn, reason)
    keys = {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"}
    return Access(ASSUME, arn, {key: (call.text(name),) for name, key in keys.items() if call.text(name)})


def _at(parameters: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(parameters, list):
        for one in parameters:
            yield from _at(one, path)
    elif not path:
        if parameters:
            yield str(parameters)
    elif isinstance(parameters, dict) and path[0] in parameters:
        yield from _at(parameters[path[0]], path[1:])
