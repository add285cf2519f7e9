"""The operations of the CloudFormation API."""

import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from localcloud.api import ApiError, Operation, Request
from localcloud.cloudformation import describe
from localcloud.cloudformation.backend import Backend
from localcloud.cloudformation.changes import NO_CHANGES, preview
from localcloud.cloudformation.deployment import Deployment, delete_stack
from localcloud.cloudformation.errors import ResourceFailed, ValidationError, no_such_stack, reason_of
from localcloud.cloudformation.requests import inputs_of, template_of
from localcloud.cloudformation.resource_type import StackIdentity
from localcloud.cloudformation.stack import ChangeSet, Inputs, Stack
from localcloud.cloudformation.templates import validate

_ANSWER_WITHIN_SECONDS = 20
_CANNOT_BE_UPDATED = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
)


class CloudFormation:
    """Answers requests; deployments run in threads of their own, one at a time for each stack."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by name."""
        return {
            "CancelUpdateStack": _refuse("CancelUpdateStack"),
            "ContinueUpdateRollback": _refuse("ContinueUpdateRollback"),
            "CreateChangeSet": self.create_change_set,
            "CreateStack": self.create_stack,
            "DeleteChangeSet": self.delete_change_set,
            "DeleteStack": self.delete_stack,
            "DescribeChangeSet": self.describe_change_set,
            "DescribeEvents": self.describe_events,
            "DescribeStackEvents": self.describe_stack_events,
            "DescribeStackResource": self.describe_stack_resource,
            "DescribeStackResources": self.describe_stack_resources,
            "DescribeStacks": self.describe_stacks,
            "ExecuteChangeSet": self.execute_change_set,
            "GetTemplate": self.get_template,
            "GetTemplateSummary": self.get_template_summary,
            "ListChangeSets": self.list_change_sets,
            "ListExports": self.list_exports,
            "ListImports": self.list_imports,
            "ListStackResources": self.list_stack_resources,
            "ListStacks": self.list_stacks,
            "UpdateStack": self.update_stack,
            "UpdateTerminationProtection": self.update_termination_protection,
            "ValidateTemplate": self.validate_template,
        }

    # -- creating and changing

    def create_change_set(self, request: Request) -> dict[str, Any]:
        """A change set exists, and for a new stack the stack in review too."""
        given = request.parameters
        with self._backend.lock:
            stack = self._stack_for_change_set(request)
            name = given["ChangeSetName"]
            if any(one.name == name for one in stack.change_sets.values()):
                raise ApiError("AlreadyExistsException", f"ChangeSet {name} already exists")
            inputs = inputs_of(self._backend, request, stack)
            change_set = ChangeSet(
                id=self._arn(request, f"changeSet/{name}/{uuid.uuid4()}"),
                name=name,
                kind=given.get("ChangeSetType", "UPDATE"),
                inputs=inputs,
                created=self._backend.cloud.clock.utcnow(),
                description=given.get("Description"),
            )
            self._preview(stack, change_set)
            self._backend.stacks(request.region).add(stack)
            stack.change_sets[change_set.id] = change_set
        return {"Id": change_set.id, "StackId": stack.identity.id}

    def _stack_for_change_set(self, request: Request) -> Stack:
        name, kind = request.parameters["StackName"], request.parameters.get("ChangeSetType", "UPDATE")
        found = self._backend.stacks(request.region).find(name)
        if kind == "IMPORT":
            raise ValidationError("The local cloud does not import resources")
        if kind == "CREATE":
            if found is not None and found.status != "REVIEW_IN_PROGRESS":
                raise ValidationError(f"Stack [{name}] already exists and cannot be created again with the changeSet.")
            return found or self._new_stack(request, "REVIEW_IN_PROGRESS")
        if found is None:
            raise ValidationError(f"Stack [{name}] does not exist")
        _require_updatable(found)
        return found

    def _new_stack(self, request: Request, status: str) -> Stack:
        name, clock = request.parameters["StackName"], self._backend.cloud.clock
        identity = StackIdentity(
            self._arn(request, f"stack/{name}/{uuid.uuid4()}"), name, request.region, self._backend.cloud.account
        )
        stack = Stack(identity, clock.utcnow(), clock.utcnow)
        stack.begin(status)
        return stack

    def _preview(self, stack: Stack, change_set: ChangeSet) -> None:
        imports = set(stack.imports)
        try:
            scope = self._backend.scope(stack, change_set.inputs)
            change_set.changes = preview(stack, change_set.inputs, scope)
        except (ResourceFailed, ValidationError) as error:
            change_set.status, change_set.reason = "FAILED", reason_of(error)
            change_set.execution_status = "UNAVAILABLE"
        stack.imports = imports
        if change_set.status != "FAILED" and not change_set.changes and _is_same(stack.inputs, change_set.inputs):
            change_set.status, change_set.reason = "FAILED", NO_CHANGES
            change_set.execution_status = "UNAVAILABLE"

    def execute_change_set(self, request: Request) -> None:
        """The stack is being created or updated."""
        with self._backend.lock:
            stack, change_set = self._change_set(request)
            if change_set.execution_status != "AVAILABLE" or stack.is_busy:
                raise ApiError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set.id}] cannot be executed in its current status of [{change_set.status}]",
                )
            change_set.execution_status = "EXECUTE_IN_PROGRESS"
            stack.change_sets = {change_set.id: change_set}
            stack.disable_rollback = bool(request.parameters.get("DisableRollback"))
            kind = "CREATE" if change_set.kind == "CREATE" else "UPDATE"

        def finished(succeeded: bool) -> None:
            change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"

        self._start(stack, change_set.inputs, kind, finished)

    def create_stack(self, request: Request) -> dict[str, Any]:
        """A new stack is being created."""
        name = request.parameters["StackName"]
        with self._backend.lock:
            if self._backend.stacks(request.region).find(name) is not None:
                raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
            stack = self._new_stack(request, "REVIEW_IN_PROGRESS")
            stack.events.clear()
            inputs = inputs_of(self._backend, request, stack)
            self._backend.stacks(request.region).add(stack)
        on_failure = request.parameters.get("OnFailure", "ROLLBACK")
        stack.disable_rollback = bool(request.parameters.get("DisableRollback")) or on_failure == "DO_NOTHING"
        stack.termination_protection = bool(request.parameters.get("EnableTerminationProtection"))
        self._start(stack, inputs, "CREATE", lambda _succeeded: None)
        return {"StackId": stack.identity.id}

    def update_stack(self, request: Request) -> dict[str, Any]:
        """The stack is being updated; raises ValidationError when there is nothing to change."""
        with self._backend.lock:
            stack = self._stack(request)
            _require_updatable(stack)
            inputs = inputs_of(self._backend, request, stack)
            scope = self._backend.scope(stack, inputs)
            if not preview(stack, inputs, scope) and _is_same(stack.inputs, inputs):
                raise ValidationError("No updates are to be performed.")
        stack.disable_rollback = bool(request.parameters.get("DisableRollback"))
        self._start(stack, inputs, "UPDATE", lambda _succeeded: None)
        return {"StackId": stack.identity.id}

    def _start(self, stack: Stack, inputs: Inputs, kind: str, finished: Callable[[bool], None]) -> None:
        stack.begin(f"{kind}_IN_PROGRESS")
        if kind == "UPDATE":
            stack.updated = stack.clock()
        deployment = Deployment(self._backend, stack, inputs, rollback=not stack.disable_rollback)
        _in_thread(stack, f"{kind}_FAILED", lambda: finished(deployment.run()))

    def delete_stack(self, request: Request) -> None:
        """The stack is being deleted; nothing happens when there is none."""
        with self._backend.lock:
            stack = self._backend.stacks(request.region).find(request.parameters["StackName"])
            if stack is None or stack.status == "DELETE_COMPLETE":
                return
            if stack.termination_protection:
                raise ValidationError(
                    f"Stack [{stack.identity.name}] cannot be deleted while TerminationProtection is enabled"
                )
            if stack.is_busy:
                raise ValidationError(f"Stack [{stack.identity.name}] cannot be deleted while in status {stack.status}")
            stack.begin("DELETE_IN_PROGRESS")
        retained = set(request.parameters.get("RetainResources") or [])
        role_arn = request.parameters.get("RoleARN") or stack.inputs.role_arn
        _in_thread(stack, "DELETE_FAILED", lambda: delete_stack(self._backend, stack, role_arn, retained))

    def delete_change_set(self, request: Request) -> None:
        """The change set is gone, and so is a stack that was only in review for it."""
        try:
            stack, change_set = self._change_set(request)
        except ApiError:
            return
        stack.change_sets.pop(change_set.id, None)

    def update_termination_protection(self, request: Request) -> dict[str, Any]:
        """The stack can, or cannot, be deleted."""
        stack = self._stack(request)
        stack.termination_protection = bool(request.parameters["EnableTerminationProtection"])
        return {"StackId": stack.identity.id}

    # -- looking

    def describe_stacks(self, request: Request) -> dict[str, Any]:
        """One stack, or all that are not deleted."""
        name = request.parameters.get("StackName")
        stacks = self._backend.stacks(request.region)
        return {"Stacks": [describe.stack(one) for one in ([stacks.get(name)] if name else stacks.live())]}

    def list_stacks(self, request: Request) -> dict[str, Any]:
        """Summaries of stacks, of some statuses when a filter is given."""
        wanted = request.parameters.get("StackStatusFilter")
        stacks = self._backend.stacks(request.region).all()
        return {"StackSummaries": [describe.summary(one) for one in stacks if not wanted or one.status in wanted]}

    def describe_change_set(self, request: Request) -> dict[str, Any]:
        """The change set."""
        return describe.change_set(*self._change_set(request))

    def list_change_sets(self, request: Request) -> dict[str, Any]:
        """The change sets of a stack."""
        stack = self._stack(request)
        return {"Summaries": [describe.change_set(stack, one) for one in stack.change_sets.values()]}

    def describe_stack_events(self, request: Request) -> dict[str, Any]:
        """Events of a stack, newest first."""
        stack = self._stack(request)
        return {"StackEvents": [describe.event(stack, one) for one in reversed(stack.events)]}

    def describe_events(self, request: Request) -> dict[str, Any]:
        """Events of operations; those of a change set are its early validation, which has none here."""
        name = request.parameters.get("StackName")
        if request.parameters.get("ChangeSetName") or not name:
            return {"OperationEvents": []}
        stack = self._backend.stacks(request.region).get(name)
        shown = [describe.event(stack, one) | {"EventType": "STACK_EVENT"} for one in reversed(stack.events)]
        return {"OperationEvents": shown}

    def describe_stack_resources(self, request: Request) -> dict[str, Any]:
        """Resources of a stack, one of them when its logical id is given."""
        wanted = request.parameters.get("LogicalResourceId")
        stack = self._stack_of_resources(request)
        found = [one for one in stack.resources.values() if wanted in (None, one.logical_id)]
        return {"StackResources": [describe.resource(stack, one) for one in found]}

    def describe_stack_resource(self, request: Request) -> dict[str, Any]:
        """One resource of a stack."""
        stack, wanted = self._stack(request), request.parameters["LogicalResourceId"]
        if wanted not in stack.resources:
            raise ValidationError(f"Resource {wanted} does not exist for stack {stack.identity.name}")
        return {"StackResourceDetail": describe.resource(stack, stack.resources[wanted])}

    def list_stack_resources(self, request: Request) -> dict[str, Any]:
        """Summaries of the resources of a stack."""
        stack = self._stack(request)
        return {"StackResourceSummaries": [describe.resource(stack, one) for one in stack.resources.values()]}

    def get_template(self, request: Request) -> dict[str, Any]:
        """The template of a stack or of a change set, as it was given."""
        if request.parameters.get("ChangeSetName"):
            inputs = self._change_set(request)[1].inputs
        else:
            inputs = self._stack(request).inputs
        return {"TemplateBody": inputs.template.text, "StagesAvailable": ["Original", "Processed"]}

    def get_template_summary(self, request: Request) -> dict[str, Any]:
        """Parameters and resource types of a template."""
        name = request.parameters.get("StackName")
        template = self._stack(request).inputs.template if name else template_of(self._backend, request, None)
        types = sorted({definition["Type"] for definition in template.resources.values()})
        return {
            "Parameters": _declared_parameters(template.section("Parameters")),
            "Description": template.description,
            "ResourceTypes": types,
            "Version": template.data.get("AWSTemplateFormatVersion"),
        }

    def validate_template(self, request: Request) -> dict[str, Any]:
        """The template can be deployed here; raises ValidationError otherwise."""
        template = template_of(self._backend, request, None)
        validate(template)
        names = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        declared = _declared_parameters(template.section("Parameters"))
        return {
            "Parameters": [{name: one[name] for name in names} for one in declared],
            "Description": template.description,
        }

    def list_exports(self, request: Request) -> dict[str, Any]:
        """All exports of the region."""
        exports = self._backend.stacks(request.region).exports()
        return {
            "Exports": [
                {"ExportingStackId": stack.identity.id, "Name": name, "Value": output.value}
                for name, (stack, output) in sorted(exports.items())
            ]
        }

    def list_imports(self, request: Request) -> dict[str, Any]:
        """Names of the stacks that import an export."""
        name = request.parameters["ExportName"]
        importers = self._backend.stacks(request.region).importers(name)
        if not importers:
            raise ValidationError(f"Export '{name}' is not imported by any stack.")
        return {"Imports": importers}

    # -- finding

    def _stack(self, request: Request) -> Stack:
        return self._backend.stacks(request.region).get(request.parameters["StackName"])

    def _stack_of_resources(self, request: Request) -> Stack:
        physical_id = request.parameters.get("PhysicalResourceId")
        if physical_id is None:
            return self._stack(request)
        for stack in self._backend.stacks(request.region).live():
            if any(one.physical_id == physical_id for one in stack.resources.values()):
                return stack
        raise no_such_stack(physical_id)

    def _change_set(self, request: Request) -> tuple[Stack, ChangeSet]:
        wanted, name = request.parameters["ChangeSetName"], request.parameters.get("StackName")
        stacks = self._backend.stacks(request.region)
        for stack in [stacks.get(name)] if name else stacks.all():
            for one in stack.change_sets.values():
                if wanted in (one.id, one.name):
                    return stack, one
        raise ApiError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", "404 Not Found")

    def _arn(self, request: Request, resource: str) -> str:
        return f"arn:aws:cloudformation:{request.region}:{self._backend.cloud.account}:{resource}"


def _require_updatable(stack: Stack) -> None:
    if stack.is_busy or stack.status in _CANNOT_BE_UPDATED:
        raise ValidationError(f"Stack:{stack.identity.id} is in {stack.status} state and can not be updated.")


def _is_same(old: Inputs, new: Inputs) -> bool:
    return old.template.section("Outputs") == new.template.section("Outputs") and old.tags == new.tags


def _declared_parameters(definitions: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "ParameterKey": name,
            "DefaultValue": None if "Default" not in definition else str(definition["Default"]),
            "ParameterType": definition["Type"],
            "NoEcho": str(definition.get("NoEcho", False)).lower() == "true",
            "Description": definition.get("Description"),
            "ParameterConstraints": {"AllowedValues": [str(one) for one in definition.get("AllowedValues", [])]},
        }
        for name, definition in definitions.items()
    ]


def _refuse(name: str) -> Operation:
    def refuse(_request: Request) -> None:
        raise ValidationError(f"The local cloud does not do {name}: deploy again instead.")

    return refuse


def _in_thread(stack: Stack, failed: str, work: Callable[[], None]) -> None:
    """The work has begun. A short one is waited for, because clients look again only after five seconds."""

    def run() -> None:
        try:
            work()
        except Exception as error:  # a mistake of the engine must end the operation, not leave it in progress
            traceback.print_exc(file=sys.stderr)
            stack.enter(failed, f"Internal failure of the local cloud: {reason_of(error)}")

    thread = threading.Thread(target=run, name=f"cloudformation-{stack.identity.name}", daemon=True)
    thread.start()
    thread.join(_ANSWER_WITHIN_SECONDS)
