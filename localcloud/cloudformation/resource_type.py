"""What a resource type is: its properties, its attributes, and how it is created, updated and deleted."""

import importlib
import pkgutil
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from localcloud.cloudformation.callbacks import Callback
from localcloud.cloudformation.errors import ResourceFailed, ValidationError

CUSTOM = "AWS::CloudFormation::CustomResource"
_SUFFIX_LENGTH = 12
_ALWAYS = frozenset({"Tags"})


@dataclass(frozen=True)
class StackIdentity:
    """The stack that a resource belongs to."""

    id: str
    name: str
    region: str
    account: str


@dataclass(frozen=True)
class Handling:
    """What a resource type is given to do its work with."""

    logical_id: str
    properties: dict[str, Any]
    stack: StackIdentity
    client: Callable[[str], Any]
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    old_properties: dict[str, Any] = field(default_factory=dict)
    type_name: str = ""
    begun: Callable[[str], None] = field(default=lambda _physical_id: None)
    open_callback: Callable[[], Callback] = field(default=lambda: Callback(""))

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in the stack's account and region."""
        return f"arn:aws:{service}:{self.stack.region}:{self.stack.account}:{resource}"

    def generated_name(self, longest: int, *, stack_name: bool = True) -> str:
        """A new unique name from stack and logical id, cut as CloudFormation cuts: the stack's name first."""
        suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_SUFFIX_LENGTH))
        room = longest - len(suffix) - 1
        if not stack_name:
            return f"{self.logical_id[:room]}-{suffix}"
        stack = self.stack.name[: max(room - len(self.logical_id) - 1, (room - 1) // 2)]
        return f"{stack}-{self.logical_id[: room - len(stack) - 1]}-{suffix}"

    def name(self, property_name: str, longest: int) -> str:
        """The name that the template gives, or a generated one."""
        given = self.properties.get(property_name)
        return str(given) if given else self.generated_name(longest)

    def refuse_changes(self, names: str) -> None:
        """Raises ResourceFailed when a property changed that AWS does not change on an existing resource either."""
        changed = [name for name in names.split() if self.changed(name)]
        if changed:
            raise ResourceFailed(f"{', '.join(changed)} of an existing {self.type_name} cannot be changed")

    def changed(self, name: str) -> bool:
        """Whether a property differs from what it was."""
        return bool(self.properties.get(name) != self.old_properties.get(name))


@dataclass(frozen=True)
class Made:
    """A resource as it is now: its physical id (what Ref gives) and its attributes (what Fn::GetAtt gives)."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceType:
    """One resource type. `properties` are carried out, `without_effect` are accepted because nothing on a laptop
    depends on them, all others fail; a change of one in `replaced_by` makes a new resource. A type without `update`
    is replaced by every change."""

    name: str
    properties: frozenset[str]
    create: Callable[[Handling], Made]
    delete: Callable[[Handling], None]
    update: Callable[[Handling], Made] | None = None
    attributes: frozenset[str] = frozenset()
    replaced_by: frozenset[str] = frozenset()
    without_effect: frozenset[str] = frozenset()
    name_property: str | None = None
    open_ended: bool = False

    def check_properties(self, logical_id: str, properties: dict[str, Any]) -> None:
        """The type carries out all of `properties`; raises ValidationError otherwise."""
        unknown = set(properties) - self.properties - self.without_effect - _ALWAYS
        if unknown and not self.open_ended:
            raise ValidationError(
                f"Properties validation failed for resource {logical_id} ({self.name}): "
                f"the local cloud does not carry out [{', '.join(sorted(unknown))}]"
            )

    def has_attribute(self, attribute: str) -> bool:
        """Whether Fn::GetAtt knows the attribute."""
        return self.open_ended or attribute in self.attributes

    def needs_replacement(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Whether going from the old properties to the new ones makes a new resource."""
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        if self.update is None:
            return bool(changed - self.without_effect)
        name = frozenset() if self.name_property is None else frozenset({self.name_property})
        return bool(changed & (self.replaced_by | name))


def words(text: str) -> frozenset[str]:
    """A set of names, written with spaces between."""
    return frozenset(text.split())


def resource_type(name: str) -> ResourceType:
    """The type of that name; raises KeyError when there is none."""
    return all_types()[CUSTOM if name.startswith("Custom::") else name]


@cache
def all_types() -> dict[str, ResourceType]:
    """Every resource type by name, gathered from the modules in `types`."""
    from localcloud.cloudformation import types

    found: dict[str, ResourceType] = {}
    for module in pkgutil.iter_modules(types.__path__, f"{types.__name__}."):
        for one in importlib.import_module(module.name).TYPES:
            found[one.name] = one
    return found
