"""A create, update or delete of one stack under way: what happens is recorded, resource types do their work."""

import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from localcloud.cloudformation.callbacks import Callback
from localcloud.cloudformation.errors import ResourceFailed, reason_of
from localcloud.cloudformation.resource_type import Handling, Made, resource_type
from localcloud.cloudformation.stack import Resource, Stack

_GONE = re.compile("NotFound|NoSuch|DoesNotExist|NonExistent")


@dataclass(frozen=True)
class Operation:
    """`enter` and `happened` record a status of the stack and of a resource; `resolve` resolves dynamic references."""

    stack: Stack
    enter: Callable[[str, str | None], None]
    happened: Callable[[str, str, str, str, str | None], None]
    clients: Callable[[str], Any]
    open_callback: Callable[[], Callback]
    resolve: Callable[[Any], Any]

    def say(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """An event of the resource is recorded."""
        self.happened(resource.logical_id, resource.physical_id, resource.type, status, reason)

    def create(self, wanted: Resource, begun: Callable[[str], None], doing: str = "CREATE") -> Resource:
        """The resource exists; `begun` was told its id as soon as there was something to undo."""

        def initiated(physical_id: str) -> None:
            begun(physical_id)
            now = replace(wanted, physical_id=physical_id)
            self.say(now, f"{doing}_IN_PROGRESS", "Resource creation Initiated")

        problems = resource_type(wanted.type).problems(wanted.properties)
        if problems:
            raise ResourceFailed(_invalid(wanted.logical_id, problems))
        made = _with(wanted, resource_type(wanted.type).make(self._handling(wanted, None, initiated)))
        self.say(made, f"{doing}_COMPLETE")
        return made

    def update(self, wanted: Resource, before: Resource) -> Resource:
        """The resource has the properties that are wanted."""
        self.say(before, "UPDATE_IN_PROGRESS")
        problems = resource_type(wanted.type).problems(wanted.properties)
        if problems:
            raise ResourceFailed(_invalid(wanted.logical_id, problems))
        made = _with(wanted, resource_type(wanted.type).change(self._handling(wanted, before)))
        self.say(made, "UPDATE_COMPLETE")
        return made

    def delete(self, resource: Resource) -> bool:
        """The resource is gone, or an event says why it is not."""
        self.say(resource, "DELETE_IN_PROGRESS")
        try:
            resource_type(resource.type).remove(self._handling(resource, resource))
        except Exception as error:  # the reason belongs in the event; the deletion of others goes on
            if not is_gone(error):
                print(f"{resource.type} {resource.physical_id} could not be deleted:", file=sys.stderr)
                traceback.print_exception(error)
                self.say(resource, "DELETE_FAILED", reason_of(error))
                return False
        self.say(resource, "DELETE_COMPLETE")
        return True

    def delete_unless_kept(self, resource: Resource, policy: str) -> bool:
        """As `delete`, but a resource whose policy is to retain it stays, and an event says so."""
        if policy.startswith("Retain"):
            self.say(resource, "DELETE_SKIPPED")
            return True
        return self.delete(resource)

    def _handling(
        self, wanted: Resource, before: Resource | None, begun: Callable[[str], None] = lambda _physical_id: None
    ) -> Handling:
        return Handling(
            logical_id=wanted.logical_id,
            type_name=wanted.type,
            properties=self.resolve(wanted.properties),
            stack=self.stack.identity,
            clients=self.clients,
            begun=begun,
            open_callback=self.open_callback,
            physical_id="" if before is None else before.physical_id,
            attributes={} if before is None else before.attributes,
            old_properties={} if before is None else self.resolve(before.properties),
        )


def is_gone(error: Exception) -> bool:
    """Whether an API call failed because the resource is not there (any more)."""
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    return _GONE.search(code) is not None


def _invalid(logical_id: str, problems: list[str]) -> str:
    return f"Properties validation failed for resource {logical_id} with message:\n" + "\n".join(problems)


def _with(wanted: Resource, made: Made) -> Resource:
    return replace(wanted, physical_id=made.physical_id, attributes=dict(made.attributes))
