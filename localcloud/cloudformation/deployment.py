"""Carries out a create, an update or a delete of one stack, and rolls back what fails."""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from botocore.exceptions import ClientError

from localcloud.cloudformation.backend import Backend, refer_to, unresolved
from localcloud.cloudformation.changes import active_resources, wanted_properties
from localcloud.cloudformation.errors import ResourceFailed, ValidationError, reason_of
from localcloud.cloudformation.intrinsics import Scope
from localcloud.cloudformation.outputs import evaluate_outputs
from localcloud.cloudformation.resource_type import resource_type
from localcloud.cloudformation.stack import Inputs, Output, Resource, Stack
from localcloud.cloudformation.templates import deployment_order

_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
_NAMED_REPLACEMENT = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
    "Rename {} and update the stack again."
)


@dataclass
class _Journal:
    """What has been done, so that it can be undone, and what is left to clean up."""

    undo: list[Callable[[], bool]] = field(default_factory=list)
    replaced: list[Resource] = field(default_factory=list)


class Deployment:
    """One create or update of a stack; it runs once."""

    def __init__(self, backend: Backend, stack: Stack, inputs: Inputs, *, rollback: bool = True) -> None:
        self._backend = backend
        self._stack = stack
        self._inputs = inputs
        self._rollback = rollback
        self._is_update = stack.status.startswith("UPDATE")
        self._operation = backend.operation(stack, inputs.role_arn)
        self._journal = _Journal()
        self._before = dict(stack.resources)
        self._imports_before = set(stack.imports)

    def run(self) -> bool:
        """The stack is as the inputs say (true), or rolled back, or left as it failed (false)."""
        try:
            outputs = self._deploy()
        except Exception as error:  # whatever a resource type raises fails this deployment, not the server
            _log(error)
            self._fail(error)
            return False
        self._stack.inputs, self._stack.outputs = self._inputs, outputs
        self._clean_up()
        self._operation.enter(f"{self._verb}_COMPLETE", None)
        return True

    @property
    def _verb(self) -> str:
        return "UPDATE" if self._is_update else "CREATE"

    def _deploy(self) -> list[Output]:
        self._stack.imports = set()
        scope = self._backend.scope(self._stack, self._inputs)
        refer_to(scope, self._stack.resources, unresolved)
        self._order = active_resources(self._inputs.template, scope.conditions)
        for logical_id in self._order:
            self._deploy_one(logical_id, scope)
        return evaluate_outputs(self._backend, self._stack, self._inputs.template, scope)

    def _deploy_one(self, logical_id: str, scope: Scope) -> None:
        definition, before = self._inputs.template.resources[logical_id], self._before.get(logical_id)
        doing = "CREATE" if before is None else "UPDATE"
        blank = Resource(logical_id, definition["Type"], "", {}, {}, definition, frozenset())
        try:
            wanted = self._wanted(blank, scope)
            if before is None:
                self._create(wanted, None, doing)
            elif before.properties == wanted.properties:
                self._keep(replace(wanted, physical_id=before.physical_id, attributes=before.attributes))
            elif resource_type(wanted.type).needs_replacement(before.properties, wanted.properties):
                self._replace(wanted, before)
            else:
                self._update(wanted, before)
        except Exception as error:
            latest = self._stack.latest.get(logical_id)
            now = replace(before or blank, physical_id=latest.physical_id if latest else "")
            self._operation.say(now, f"{doing}_FAILED", reason_of(error))
            raise ResourceFailed(logical_id) from error

    def _wanted(self, blank: Resource, scope: Scope) -> Resource:
        needs = frozenset(self._inputs.template.dependencies[blank.logical_id])
        return replace(
            blank, properties=wanted_properties(blank.definition, self._inputs.tags, scope), depends_on=needs
        )

    def _keep(self, resource: Resource) -> None:
        self._stack.resources[resource.logical_id] = resource
        self._backend.changed(self._stack)

    def _create(self, wanted: Resource, before: Resource | None, doing: str) -> None:
        begun: list[str] = []
        self._journal.undo.append(lambda: self._undo_create(wanted, begun, before))
        if before is None:
            self._operation.say(wanted, "CREATE_IN_PROGRESS")

        def note(physical_id: str) -> None:
            begun[:] = [physical_id]
            self._keep(replace(wanted, physical_id=physical_id))

        made = self._operation.create(wanted, note, doing)
        self._keep(made)

    def _replace(self, wanted: Resource, before: Resource) -> None:
        name = wanted.properties.get(resource_type(wanted.type).name_property)
        if name is not None and name == before.properties.get(resource_type(wanted.type).name_property):
            raise ResourceFailed(_NAMED_REPLACEMENT.format(name))
        self._operation.say(before, "UPDATE_IN_PROGRESS", _REPLACING)
        self._create(wanted, before, "UPDATE")
        self._journal.replaced.append(before)

    def _update(self, wanted: Resource, before: Resource) -> None:
        self._journal.undo.append(lambda: self._undo_update(wanted, before))
        made = self._operation.update(wanted, before)
        self._keep(made)
        if made.physical_id != before.physical_id:
            self._journal.replaced.append(before)

    def _undo_create(self, wanted: Resource, begun: list[str], before: Resource | None) -> bool:
        if begun:
            made = replace(self._stack.resources.get(wanted.logical_id, wanted), physical_id=begun[0])
            keep = before is None and wanted.definition.get("DeletionPolicy") == "Retain"
            if not self._operation.delete_unless_kept(made, "Retain" if keep else "Delete"):
                return False
        if before is None:
            self._stack.resources.pop(wanted.logical_id, None)
        else:
            self._stack.resources[wanted.logical_id] = before
        return True

    def _undo_update(self, wanted: Resource, before: Resource) -> bool:
        now = self._stack.resources.get(wanted.logical_id, before)
        now = replace(now, properties=wanted.properties)
        try:
            restored = self._operation.update(before, now)
        except Exception as error:  # a rollback goes on with the other resources
            _log(error)
            self._operation.say(now, "UPDATE_FAILED", reason_of(error))
            return False
        self._stack.resources[wanted.logical_id] = restored
        if now.physical_id != restored.physical_id:
            self._operation.delete(now)
        return True

    def _fail(self, error: Exception) -> None:
        if isinstance(error, ResourceFailed) and error.__cause__ is not None:
            reason = f"The following resource(s) failed to {self._verb.lower()}: [{error}]. "
        else:
            reason = reason_of(error)
        if not self._rollback:
            self._operation.enter(f"{self._verb}_FAILED", reason)
            return
        prefix = "UPDATE_ROLLBACK" if self._is_update else "ROLLBACK"
        self._operation.enter(f"{prefix}_IN_PROGRESS", reason)
        undone = [undo() for undo in reversed(self._journal.undo)]
        self._stack.imports = self._imports_before
        if all(undone):
            self._restore_definitions()
            self._operation.enter(f"{prefix}_COMPLETE", None)
        else:
            self._operation.enter(f"{prefix}_FAILED", "The following resource(s) failed to roll back.")

    def _restore_definitions(self) -> None:
        for name, before in self._before.items():
            now = self._stack.resources.get(name, before)
            if now.physical_id == before.physical_id:
                self._stack.resources[name] = replace(before, attributes=now.attributes)

    def _clean_up(self) -> None:
        removed = [one for name, one in self._before.items() if name not in self._order]
        if not removed and not self._journal.replaced:
            return
        self._operation.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None)
        for resource in reversed(self._journal.replaced):
            self._operation.delete_unless_kept(resource, resource.definition.get("UpdateReplacePolicy", "Delete"))
        for resource in _in_deletion_order(removed):
            self._operation.delete_unless_kept(resource, resource.definition.get("DeletionPolicy", "Delete"))
            self._stack.resources.pop(resource.logical_id, None)


def delete_stack(backend: Backend, stack: Stack, role_arn: str | None, retained: set[str]) -> None:
    """The stack is DELETE_COMPLETE and its resources are gone, or DELETE_FAILED with a reason."""
    operation = backend.operation(stack, role_arn)
    failed: list[str] = []
    for resource in _in_deletion_order(list(stack.resources.values())):
        needed_by_failed = any(resource.logical_id in stack.resources[name].depends_on for name in failed)
        policy = "Retain" if resource.logical_id in retained else resource.definition.get("DeletionPolicy", "Delete")
        if needed_by_failed or not operation.delete_unless_kept(resource, policy):
            failed.append(resource.logical_id)
        else:
            del stack.resources[resource.logical_id]
    if failed:
        operation.enter("DELETE_FAILED", f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")
        return
    stack.outputs, stack.imports, stack.deleted = [], set(), backend.now()
    operation.enter("DELETE_COMPLETE", None)


def end_interrupted(backend: Backend, stack: Stack) -> None:
    """An operation that the end of an earlier process cut off has ended, so that the stack can be deployed again.

    A creation is rolled back. An update keeps what it has changed; the next one goes on from there. A deletion fails.
    """
    reason = "The local cloud was stopped while this operation was under way."
    if stack.status in ("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"):
        operation = backend.operation(stack, stack.inputs.role_arn)
        operation.enter("ROLLBACK_IN_PROGRESS", reason)
        for resource in _in_deletion_order(list(stack.resources.values())):
            if operation.delete(resource):
                del stack.resources[resource.logical_id]
        operation.enter("ROLLBACK_FAILED" if stack.resources else "ROLLBACK_COMPLETE", reason)
    elif stack.status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
        backend.enter(stack, "UPDATE_COMPLETE", reason)
    elif stack.is_busy:
        is_deletion = stack.status == "DELETE_IN_PROGRESS"
        backend.enter(stack, "DELETE_FAILED" if is_deletion else "UPDATE_ROLLBACK_COMPLETE", reason)


def _in_deletion_order(resources: list[Resource]) -> list[Resource]:
    by_name = {resource.logical_id: resource for resource in resources}
    order = deployment_order({name: set(resource.depends_on) for name, resource in by_name.items()})
    return [by_name[name] for name in reversed(order)]


def _log(error: Exception) -> None:
    cause = error.__cause__ or error
    print(f"A CloudFormation deployment failed: {error}: {reason_of(cause)}", file=sys.stderr)
    if not isinstance(cause, ResourceFailed | ValidationError | ClientError):
        traceback.print_exception(error)
