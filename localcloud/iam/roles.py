"""Roles: who may assume one, and who may hand one to a service (iam:PassRole)."""

from collections.abc import Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.decision import Denial, Principal
from localcloud.iam.patterns import Context
from localcloud.iam.policies import Access, Verdict, parse, verdict

ASSUME = "sts:AssumeRole"
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


def assume(who: Principal, call: Call, context: Context, role: Any | None) -> Denial | None:
    """None when the role's trust policy, and for a user or role of the account its own policies, let `who` in."""
    arn = call.text("RoleArn")
    access = Access(ASSUME, arn)
    if call.text("ExternalId"):
        context = {**context, "sts:externalid": (call.text("ExternalId"),)}
    context = {**context, "sts:rolesessionname": (call.text("RoleSessionName"),)}
    if role is None:
        return Denial(who.arn, ASSUME, arn, "because there is no such role")
    if who.is_administrator:
        return None
    trust = [parse(role.assume_role_policy_document)]
    trusted = verdict(trust, access, context, who.identity)
    if trusted is Verdict.DENY:
        return Denial(who.arn, ASSUME, arn, "with an explicit deny in the role's trust policy")
    if trusted is not Verdict.ALLOW:
        return Denial(who.arn, ASSUME, arn, "because the role's trust policy does not allow it")
    own = verdict(who.policies, access, context)
    named = verdict(trust, access, context, who.identity.without_account()) is Verdict.ALLOW
    if own is Verdict.DENY or not (named or own is Verdict.ALLOW):
        return Denial(who.arn, ASSUME, arn, "because no identity-based policy allows the sts:AssumeRole action")
    return None


def _at(parameters: Any, path: tuple[str, ...]) -> Iterator[str]:
    if isinstance(parameters, list):
        for one in parameters:
            yield from _at(one, path)
    elif not path:
        if parameters:
            yield str(parameters)
    elif isinstance(parameters, dict) and path[0] in parameters:
        yield from _at(parameters[path[0]], path[1:])
