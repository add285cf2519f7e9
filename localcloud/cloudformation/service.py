"""The operations of the CloudFormation API."""

import sys
import threading
import traceback
import uuid
from collections.abc import Callable
from typing import Any

from botocore import xform_name

from localcloud.api import ApiError, Operation, Request
from localcloud.cloudformation.changes import (
    EARLY_VALIDATION,
    NO_CHANGES,
    active_resources,
    preview,
    property_problems,
)
from localcloud.cloudformation.deployment import Deployment, delete_stack
from localcloud.cloudformation.errors import ResourceFailed, ValidationError, reason_of
from localcloud.cloudformation.outputs import export_in_use
from localcloud.cloudformation.queries import Queries
from localcloud.cloudformation.requests import inputs_of
from localcloud.cloudformation.resource_type import StackIdentity, words
from localcloud.cloudformation.stack import ChangeSet, Inputs, Stack

_ANSWER_WITHIN_SECONDS = 20
_CANNOT_BE_UPDATED = (
    "ROLLBACK_COMPLETE",
    "ROLLBACK_FAILED",
    "DELETE_FAILED",
    "UPDATE_ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
)
OPERATIONS = words(
    "CreateChangeSet CreateStack DeleteChangeSet DeleteStack DescribeChangeSet DescribeEvents DescribeStackEvents "
    "DescribeStackResource DescribeStackResources DescribeStacks ExecuteChangeSet GetTemplate GetTemplateSummary "
    "ListChangeSets ListExports ListImports ListStackResources ListStacks UpdateStack UpdateTerminationProtection "
    "ValidateTemplate"
)


class CloudFormation(Queries):
    """Answers requests; deployments run in threads of their own, one at a time for each stack."""

    @property
    def operations(self) -> dict[str, Operation]:
        """Every operation by name."""
        return {name: getattr(self, xform_name(name)) for name in sorted(OPERATIONS)}

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
                created=self._backend.now(),
                description=given.get("Description"),
            )
            self._preview(stack, change_set)
            self._backend.stacks(request.region).add(stack)
            stack.change_sets[change_set.id] = change_set
            self._backend.changed(stack)
        return {"Id": change_set.id, "StackId": stack.identity.id}

    def _stack_for_change_set(self, request: Request) -> Stack:
        name, kind = request.parameters["StackName"], request.parameters.get("ChangeSetType", "UPDATE")
        found = self._backend.stacks(request.region).find(name)
        if kind == "CREATE":
            if found is not None and found.status != "REVIEW_IN_PROGRESS":
                raise ValidationError(f"Stack [{name}] already exists and cannot be created again with the changeSet.")
            return found or self._new_stack(request, "REVIEW_IN_PROGRESS")
        if found is None:
            raise ValidationError(f"Stack [{name}] does not exist")
        _require_updatable(found)
        return found

    def _new_stack(self, request: Request, status: str) -> Stack:
        name, now = request.parameters["StackName"], self._backend.now()
        identity = StackIdentity(
            self._arn(request, f"stack/{name}/{uuid.uuid4()}"), name, request.region, self._backend.cloud.account
        )
        stack = Stack(identity, now)
        self._backend.begin(stack, status)
        return stack

    def _preview(self, stack: Stack, change_set: ChangeSet) -> None:
        imports = set(stack.imports)
        try:
            scope = self._backend.scope(stack, change_set.inputs)
            template = change_set.inputs.template
            change_set.problems = property_problems(template, active_resources(template, scope.conditions))
            change_set.changes = preview(stack, change_set.inputs, scope)
        except (ResourceFailed, ValidationError) as error:
            change_set.fail(reason_of(error))
        stack.imports = imports
        if change_set.problems:
            change_set.fail(EARLY_VALIDATION)
        elif not change_set.changes and change_set.status != "FAILED" and _is_same(stack.inputs, change_set.inputs):
            change_set.fail(NO_CHANGES)

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
            deployment = self._begin(stack, change_set.inputs, "CREATE" if change_set.kind == "CREATE" else "UPDATE")

        def finished(succeeded: bool) -> None:
            change_set.execution_status = "EXECUTE_COMPLETE" if succeeded else "EXECUTE_FAILED"
            self._backend.changed(stack)

        self._run(stack, deployment, finished)

    def create_stack(self, request: Request) -> dict[str, Any]:
        """A new stack is being created."""
        name = request.parameters["StackName"]
        with self._backend.lock:
            if self._backend.stacks(request.region).find(name) is not None:
                raise ApiError("AlreadyExistsException", f"Stack [{name}] already exists")
            stack = self._new_stack(request, "REVIEW_IN_PROGRESS")
            stack.events.clear()
            inputs = inputs_of(self._backend, request, stack)
            on_failure = request.parameters.get("OnFailure", "ROLLBACK")
            stack.disable_rollback = bool(request.parameters.get("DisableRollback")) or on_failure == "DO_NOTHING"
            stack.termination_protection = bool(request.parameters.get("EnableTerminationProtection"))
            self._backend.stacks(request.region).add(stack)
            deployment = self._begin(stack, inputs, "CREATE")
        self._run(stack, deployment)
        return {"StackId": stack.identity.id}

    def update_stack(self, request: Request) -> dict[str, Any]:
        """The stack is being updated; raises ValidationError when there is nothing to change."""
        with self._backend.lock:
            stack = self._stack(request)
            _require_updatable(stack)
            inputs = inputs_of(self._backend, request, stack)
            imports = set(stack.imports)
            changes = preview(stack, inputs, self._backend.scope(stack, inputs))
            stack.imports = imports
            if not changes and _is_same(stack.inputs, inputs):
                raise ValidationError("No updates are to be performed.")
            stack.disable_rollback = bool(request.parameters.get("DisableRollback"))
            deployment = self._begin(stack, inputs, "UPDATE")
        self._run(stack, deployment)
        return {"StackId": stack.identity.id}

    def _begin(self, stack: Stack, inputs: Inputs, kind: str) -> Deployment:
        """The stack is busy with a deployment that has yet to run; called with the lock, so that there is only one."""
        self._backend.begin(stack, f"{kind}_IN_PROGRESS")
        if kind == "UPDATE":
            stack.updated = self._backend.now()
        return Deployment(self._backend, stack, inputs, rollback=not stack.disable_rollback)

    def _run(
        self, stack: Stack, deployment: Deployment, finished: Callable[[bool], None] = lambda _succeeded: None
    ) -> None:
        failed = "UPDATE_FAILED" if stack.status.startswith("UPDATE") else "CREATE_FAILED"
        self._in_thread(stack, failed, lambda: finished(deployment.run()))

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
            in_use = export_in_use(self._backend, stack, {one.export for one in stack.outputs if one.export})
            if in_use is not None:
                self._backend.enter(stack, stack.status, in_use)
                return
            self._backend.begin(stack, "DELETE_IN_PROGRESS")
        retained = set(request.parameters.get("RetainResources") or [])
        role_arn = request.parameters.get("RoleARN") or stack.inputs.role_arn
        self._in_thread(stack, "DELETE_FAILED", lambda: delete_stack(self._backend, stack, role_arn, retained))

    def delete_change_set(self, request: Request) -> None:
        """The change set is gone; the stack stays, even one that was only in review for it."""
        try:
            stack, change_set = self._change_set(request)
        except ApiError:
            return
        stack.change_sets.pop(change_set.id, None)
        self._backend.changed(stack)

    def update_termination_protection(self, request: Request) -> dict[str, Any]:
        """The stack can, or cannot, be deleted."""
        stack = self._stack(request)
        stack.termination_protection = bool(request.parameters["EnableTerminationProtection"])
        self._backend.changed(stack)
        return {"StackId": stack.identity.id}

    def _in_thread(self, stack: Stack, failed: str, work: Callable[[], None]) -> None:
        """The work has begun. A short one is waited for, because clients look again only after five seconds."""

        def run() -> None:
            try:
                work()
            except Exception as error:  # a mistake of the engine must end the operation, not leave it in progress
                traceback.print_exc(file=sys.stderr)
                reason = f"Internal failure of the local cloud: {reason_of(error)}"
                self._backend.enter(stack, failed, reason)

        thread = threading.Thread(target=run, name=f"cloudformation-{stack.identity.name}", daemon=True)
        thread.start()
        thread.join(_ANSWER_WITHIN_SECONDS)


def _require_updatable(stack: Stack) -> None:
    if stack.is_busy or stack.status in _CANNOT_BE_UPDATED:
        raise ValidationError(f"Stack:{stack.identity.id} is in {stack.status} state and can not be updated.")


def _is_same(old: Inputs, new: Inputs) -> bool:
    return old.template.section("Outputs") == new.template.section("Outputs") and old.tags == new.tags
