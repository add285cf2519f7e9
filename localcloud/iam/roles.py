"""Roles: who may assume one, and who may hand one to a service (iam:PassRole)."""

from collections.abc import Iterator
from typing import Any

from localcloud.iam.calls import Call
from localcloud.iam.decision import Denial, Principal
from localcloud.iam.policies import Access

ASSUME = "sts:AssumeRole"
DEFAULT_SECONDS = 3600
# service: under which names its requests hand over roles, at any depth
_PASSED = {
    "cloudformation": ("RoleARN",),
    "events": ("RoleArn",),
    "lambda": ("Role",),
    "sagemaker": ("RoleArn", "ExecutionRoleArn"),
    "scheduler": ("RoleArn",),
    "states": ("roleArn",),
}
_PASSING = ("Create", "Update", "Put", "DeleteStack")


def passed_roles(call: Call) -> Iterator[Access]:
    """An iam:PassRole access for each role that the call hands to its service."""
    names = _PASSED.get(call.service, ()) if call.operation.startswith(_PASSING) else ()
    for role in dict.fromkeys(_under(call.parameters, names)) if names else ():
        yield Access("iam:PassRole", role, {"iam:passedtoservice": (f"{call.service}.amazonaws.com",)})


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


def _under(node: Any, names: tuple[str, ...]) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _under(one, names)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name in names and isinstance(value, str) and value:
                yield value
            else:
                yield from _under(value, names)
