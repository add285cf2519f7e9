"""Lets resource types do their work, and records what happened to each resource."""

import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from localcloud.cloudformation.callbacks import Callback
from localcloud.cloudformation.errors import reason_of
from localcloud.cloudformation.resource_type import Handling, Made, resource_type
from localcloud.cloudformation.stack import Resource, Stack

_GONE = re.compile("NotFound|NoSuch|DoesNotExist|NonExistent")


class Handler:
    """Creates, updates and deletes resources of one stack with one role."""

    def __init__(self, stack: Stack, client: Callable[[str], Any], open_callback: Callable[[], Callback]) -> None:
        self._stack = stack
        self._client = client
        self._open_callback = open_callback

    def say(self, resource: Resource, status: str, reason: str | None = None) -> None:
        """An event of the resource is recorded."""
        self._stack.happened(resource.logical_id, resource.physical_id, resource.type, status, reason)

    def create(self, wanted: Resource, begun: Callable[[str], None]) -> Resource:
        """The resource exists; `begun` was told its id as soon as there was something to undo."""
        self.say(wanted, "CREATE_IN_PROGRESS")
        made = self._made(wanted, begun)
        self.say(made, "CREATE_COMPLETE")
        return made

    def replace(self, wanted: Resource, begun: Callable[[str], None]) -> Resource:
        """A new resource exists beside the one that it replaces."""
        made = self._made(wanted, begun)
        self.say(made, "UPDATE_COMPLETE")
        return made

    def update(self, wanted: Resource, before: Resource) -> Resource:
        """The resource has the properties that are wanted."""
        self.say(before, "UPDATE_IN_PROGRESS")
        update = resource_type(wanted.type).update
        if update is None:
            made = self._made(wanted, lambda _physical_id: None)
        else:
            made = _with(wanted, update(self._handling(wanted, before)))
        self.say(made, "UPDATE_COMPLETE")
        return made

    def delete(self, resource: Resource) -> bool:
        """The resource is gone, or an event says why it is not."""
        self.say(resource, "DELETE_IN_PROGRESS")
        try:
            resource_type(resource.type).delete(self._handling(resource, resource))
        except Exception as error:  # the reason belongs in the event; the deletion of others goes on
            if is_gone(error):
                self.say(resource, "DELETE_COMPLETE")
                return True
            print(f"{resource.type} {resource.physical_id} could not be deleted:", file=sys.stderr)
            traceback.print_exception(error)
            self.say(resource, "DELETE_FAILED", reason_of(error))
            return False
        self.say(resource, "DELETE_COMPLETE")
        return True

    def _made(self, wanted: Resource, begun: Callable[[str], None]) -> Resource:
        return _with(wanted, resource_type(wanted.type).create(self._handling(wanted, None, begun)))

    def _handling(
        self, wanted: Resource, before: Resource | None, begun: Callable[[str], None] = lambda _physical_id: None
    ) -> Handling:
        return Handling(
            logical_id=wanted.logical_id,
            properties=wanted.properties,
            stack=self._stack.identity,
            client=self._client,
            physical_id="" if before is None else before.physical_id,
            attributes={} if before is None else before.attributes,
            old_properties={} if before is None else before.properties,
            type_name=wanted.type,
            begun=begun,
            open_callback=self._open_callback,
        )


def is_gone(error: Exception) -> bool:
    """Whether an API call failed because the resource is not there (any more)."""
    code = str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))
    return _GONE.search(code) is not None


def _with(wanted: Resource, made: Made) -> Resource:
    return replace(wanted, physical_id=made.physical_id, attributes=dict(made.attributes))
