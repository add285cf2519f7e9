"""What the tasks of a state machine need of IAM, and what its role allows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stacks.templates import as_text, states
from tests.infra.checks.aws_api import api_call

_JOBS = {f"Create{kind}": kind for kind in ("TrainingJob", "ProcessingJob", "HyperParameterTuningJob")}
_RULE = ("events:PutRule", "events:PutTargets", "events:DescribeRule")
_TAGS = ("sagemaker:AddTags", "sagemaker:ListTags")
_RUNNING = frozenset(
    {
        *("kms:Decrypt", "kms:GenerateDataKey"),
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
        *(f"logs:{verb}LogDelivery" for verb in ("Create", "Get", "Update", "Delete")),
        *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies"),
        "logs:DescribeLogGroups",
    }
)
"""What Step Functions itself does under the role: encrypting, tracing, logging."""
_CHILDREN = frozenset(f"states:{verb}Execution" for verb in ("Start", "Describe", "Stop", "Redrive"))
"""What a Distributed Map does with the executions of its items."""
_VOLUMES = frozenset({"kms:CreateGrant", "kms:DescribeKey"})
"""What creating or updating an endpoint does for its encrypted volumes."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy, with its resources as text."""

    effect: str
    actions: frozenset[str]
    resources: frozenset[str]
    condition: dict[str, Any]


def statements(document: dict[str, Any]) -> list[Statement]:
    return [
        Statement(
            statement["Effect"],
            frozenset(_listed(statement["Action"])),
            frozenset(as_text(resource) for resource in _listed(statement.get("Resource", []))),
            statement.get("Condition", {}),
        )
        for statement in document["Statement"]
    ]


def policies_of(template: dict[str, Any], role: str) -> list[Statement]:
    """All statements of the policies that are attached to the role with this logical id."""
    return [
        statement
        for resource in template["Resources"].values()
        if resource["Type"] in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        and {"Ref": role} in resource["Properties"].get("Roles", [])
        for statement in statements(resource["Properties"]["PolicyDocument"])
    ]


def needed(definition: dict[str, Any]) -> dict[str, set[str]]:
    """IAM actions that a machine's tasks need, each with the resources that are known (none: any)."""
    found: dict[str, set[str]] = {}
    for _, state in states(definition):
        if state["Type"] == "Map":
            for action in _CHILDREN:
                found.setdefault(action, set())
        if state["Type"] == "Task":
            for action, resource in _needs(state):
                found.setdefault(action, set()).update([resource] if resource else [])
    return found


def _needs(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    call = api_call(state["Resource"])
    if call is None:
        yield "lambda:InvokeFunction", state["Resource"]
        return
    service, operation, pattern = call
    yield f"{service}:{operation}", ""
    if pattern == "sync":
        job = _JOBS[operation]
        for action in (f"sagemaker:Describe{job}", f"sagemaker:Stop{job}", *_RULE, *_TAGS):
            yield action, ""
    if operation in ("CreateEndpoint", "UpdateEndpoint"):
        for action in _VOLUMES:
            yield action, ""
    if "RoleArn" in state["Parameters"]:
        yield "iam:PassRole", state["Parameters"]["RoleArn"]


def surplus(allowed: list[Statement], definition: dict[str, Any]) -> set[str]:
    """Actions that the role allows and no task needs."""
    actions = {action for statement in allowed if statement.effect == "Allow" for action in statement.actions}
    return actions - set(needed(definition)) - _RUNNING


def missing(allowed: list[Statement], definition: dict[str, Any]) -> set[str]:
    """Actions that a task needs and the role does not allow."""
    actions = {action for statement in allowed if statement.effect == "Allow" for action in statement.actions}
    return set(needed(definition)) - actions


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
