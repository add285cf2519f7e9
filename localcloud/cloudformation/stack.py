"""Stacks, their resources and events, and change sets, as records."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from localcloud.cloudformation.errors import no_such_stack
from localcloud.cloudformation.parameters import Parameter
from localcloud.cloudformation.resource_type import StackIdentity
from localcloud.cloudformation.templates import EMPTY, Template

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Output:
    """One output of a stack; `export` is the name under which other stacks import it."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True)
class Resource:
    """A resource as it exists."""

    logical_id: str
    type: str
    physical_id: str
    properties: dict[str, Any]
    attributes: dict[str, Any]
    definition: dict[str, Any]
    depends_on: frozenset[str]


@dataclass(frozen=True)
class Event:
    """Something that happened to a resource, or to the stack itself."""

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    time: datetime
    operation_id: str


@dataclass(frozen=True)
class Inputs:
    """All that a create, update or change set asks for."""

    template: Template
    parameters: dict[str, Parameter]
    tags: list[dict[str, str]]
    capabilities: list[str]
    role_arn: str | None


NO_INPUTS = Inputs(EMPTY, {}, [], [], None)


@dataclass(frozen=True)
class Problem:
    """What is wrong with the properties of a resource, and where in the template."""

    logical_id: str
    type: str
    message: str

    @property
    def path(self) -> str:
        """Where in the template it is."""
        return f"/Resources/{self.logical_id}/Properties"


@dataclass
class ChangeSet:
    """What would change; executing it makes it so."""

    id: str
    name: str
    kind: str
    inputs: Inputs
    created: datetime
    description: str | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution_status: str = "AVAILABLE"
    problems: list[Problem] = field(default_factory=list)

    def fail(self, reason: str) -> None:
        """It cannot be executed."""
        self.status, self.reason, self.execution_status = "FAILED", reason, "UNAVAILABLE"


@dataclass
class Stack:
    """A stack and everything that is known of it."""

    identity: StackIdentity
    created: datetime
    status: str = "REVIEW_IN_PROGRESS"
    status_reason: str | None = None
    updated: datetime | None = None
    deleted: datetime | None = None
    inputs: Inputs = NO_INPUTS
    resources: dict[str, Resource] = field(default_factory=dict)
    latest: dict[str, Event] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    operation_id: str = ""
    termination_protection: bool = False
    disable_rollback: bool = False

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    def happened(
        self, now: datetime, logical_id: str, physical_id: str, kind: str, status: str, reason: str | None = None
    ) -> None:
        """An event is recorded."""
        own_id = str(uuid.uuid4())
        name = own_id if kind == STACK_TYPE else f"{logical_id}-{status}-{own_id}"
        event = Event(name, logical_id, physical_id, kind, status, reason, now, self.operation_id)
        self.events.append(event)
        if kind != STACK_TYPE:
            self.latest[logical_id] = event


class Stacks:
    """All stacks of one region, deleted ones too."""

    def __init__(self) -> None:
        self._by_id: dict[str, Stack] = {}

    def add(self, stack: Stack) -> None:
        """The stack is known."""
        self._by_id[stack.identity.id] = stack

    def all(self) -> list[Stack]:
        """Every stack, newest first."""
        return list(reversed(self._by_id.values()))

    def live(self) -> list[Stack]:
        """Stacks that are not deleted, newest first."""
        return [stack for stack in self.all() if stack.status != "DELETE_COMPLETE"]

    def find(self, name_or_id: str) -> Stack | None:
        """The stack of that id, or the one of that name that is not deleted."""
        if name_or_id in self._by_id:
            return self._by_id[name_or_id]
        return next((stack for stack in self.live() if stack.identity.name == name_or_id), None)

    def get(self, name_or_id: str) -> Stack:
        """As `find`; raises ValidationError when there is none."""
        stack = self.find(name_or_id)
        if stack is None:
            raise no_such_stack(name_or_id)
        return stack

    def exports(self) -> dict[str, tuple[Stack, Output]]:
        """Every export by name."""
        return {output.export: (stack, output) for stack in self.live() for output in stack.outputs if output.export}

    def importers(self, export: str) -> list[str]:
        """Names of the stacks that import an export."""
        return sorted(stack.identity.name for stack in self.live() if export in stack.imports)


def parameter_values(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """What a Ref of each parameter gives."""
    return {name: parameter.resolved for name, parameter in parameters.items()}
