"""The permissions of the deployed app: every action of every statement of its roles, read back through AWS's APIs."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..conftest import LocalCloud

Statement = dict[str, Any]
TRUST = "trust policy"


@dataclass(frozen=True)
class Role:
    """A role of the app, by the name that it has in its template."""

    name: str
    arn: str
    statements: list[Statement]
    trust: list[Statement]


@dataclass(frozen=True)
class Permission:
    """One action of one statement; `where` says on what, with names of templates instead of generated ones."""

    role: Role = field(repr=False)
    index: int
    action: str
    effect: str
    where: str

    def __str__(self) -> str:
        return f"{self.role.name}: {self.effect} {self.action} on {self.where}"

    def removed(self) -> list[Statement]:
        """The role's statements without it; without its whole statement when it is the only action."""
        statements = copy.deepcopy(self.role.statements)
        left = [action for action in as_list(statements[self.index]["Action"]) if action != self.action]
        if left:
            statements[self.index]["Action"] = left
            return statements
        return statements[: self.index] + statements[self.index + 1 :]


def roles(cloud: LocalCloud, prefix: str) -> list[Role]:
    """The roles of all stacks whose name begins with `prefix`."""
    return [
        _role(cloud, resource) for resource in _resources(cloud, prefix) if resource["ResourceType"] == "AWS::IAM::Role"
    ]


def permissions(cloud: LocalCloud, prefix: str) -> Iterator[Permission]:
    """Every permission of these roles."""
    named = (one for one in _resources(cloud, prefix) if not one["ResourceType"].endswith("Policy"))
    names = {str(one["PhysicalResourceId"]): str(one["LogicalResourceId"]) for one in named}
    for role in roles(cloud, prefix):
        for index, statement in enumerate(role.statements):
            where = _named(json.dumps(statement["Resource"]), names)
            for action in as_list(statement["Action"]):
                yield Permission(role, index, action, statement["Effect"], where)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _resources(cloud: LocalCloud, prefix: str) -> list[dict[str, Any]]:
    client = cloud.client("cloudformation")
    stacks = [one["StackName"] for one in client.describe_stacks()["Stacks"] if one["StackName"].startswith(prefix)]
    pages = (page for name in stacks for page in client.get_paginator("list_stack_resources").paginate(StackName=name))
    return [one for page in pages for one in page["StackResourceSummaries"]]


def _role(cloud: LocalCloud, resource: dict[str, Any]) -> Role:
    iam, name = cloud.client("iam"), resource["PhysicalResourceId"]
    found = iam.get_role(RoleName=name)["Role"]
    assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"], f"{name} has managed policies"
    inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"] for policy in inline]
    statements = [one for document in documents for one in as_list(document["Statement"])]
    trust = as_list(found["AssumeRolePolicyDocument"]["Statement"])
    return Role(resource["LogicalResourceId"], found["Arn"], statements, trust)


def _named(text: str, names: dict[str, str]) -> str:
    for physical in sorted(names, key=len, reverse=True):
        name = physical.removeprefix("http://").rpartition("/")[2] if physical.startswith("http") else physical
        text = text.replace(name, names[physical])
    return text
