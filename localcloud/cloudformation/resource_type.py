"""What a resource type is: a row of a table with its properties, attributes and the calls that make and change it."""

import importlib
import pkgutil
import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from localcloud.cloudformation.callbacks import Callback
from localcloud.cloudformation.calls import call, fill, tag_map
from localcloud.cloudformation.errors import ResourceFailed
from localcloud.words import words as words

CUSTOM = "AWS::CloudFormation::CustomResource"
TAGS = "Tags"
_SUFFIX_LENGTH = 12
_STABLE_SECONDS = 120
_POLL_SECONDS = 0.05
_TAGGING = {  # where it is not tag_resource and untag_resource
    "iam": ("tag_role", "untag_role"),
    "sagemaker": ("add_tags", "delete_tags"),
    "sqs": ("tag_queue", "untag_queue"),
    "ssm": ("add_tags_to_resource", "remove_tags_from_resource"),
}


@dataclass(frozen=True)
class StackIdentity:
    """The stack that a resource belongs to."""

    id: str
    name: str
    region: str
    account: str


@dataclass(frozen=True)
class Handling:
    """One resource that is created, updated or deleted, as a resource type sees it.

    `name` is the name that it has or gets; `begun` is told the physical id as soon as there is something to undo.
    """

    logical_id: str
    type_name: str
    properties: dict[str, Any]
    stack: StackIdentity
    clients: Callable[[str], Any]
    begun: Callable[[str], None]
    open_callback: Callable[[], Callback]
    old_properties: dict[str, Any] = field(default_factory=dict)
    physical_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    name: str = ""

    @property
    def client(self) -> Any:
        """The client of the type's own service, with the credentials that the deployment has."""
        return self.clients(resource_type(self.type_name).service)

    def changed(self, name: str) -> bool:
        """Whether a property differs from what it was."""
        return bool(self.properties.get(name) != self.old_properties.get(name))

    def values(self, more: Mapping[str, Any]) -> dict[str, Any]:
        """What fields of a call stand for: properties, attributes, `more`, ref, name, region and account."""
        own = {"ref": self.physical_id, "region": self.stack.region, "account": self.stack.account}
        named = {"name": self.name} if self.name else {}
        return {**self.attributes, **self.properties, **more, **own, **named}

    def generated_name(self, longest: int, *, stack_name: bool = True) -> str:
        """A new unique name from stack and logical id, cut as CloudFormation cuts: the stack's name first."""
        suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(_SUFFIX_LENGTH))
        room = longest - len(suffix) - 1
        if not stack_name:
            return f"{self.logical_id[:room]}-{suffix}"
        stack = self.stack.name[: max(room - len(self.logical_id) - 1, (room - 1) // 2)]
        return f"{stack}-{self.logical_id[: room - len(stack) - 1]}-{suffix}"


@dataclass(frozen=True)
class Made:
    """A resource as it is now: its physical id (what Ref gives) and its attributes (what Fn::GetAtt gives)."""

    physical_id: str
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """A property with calls of its own, made when it changes; without `remove`, `put` gets the row's `cleared`.

    `created_with` says that creating has set it already.
    """

    property: str
    put: str
    remove: str = ""
    created_with: bool = False


Work = str | Callable[[Handling], Mapping[str, Any] | None]


@dataclass(frozen=True)
class ResourceType:
    """One row. `properties` are carried out, `without_effect` are accepted because nothing on a laptop depends on
    them, all others fail. A change of one in `replaced_by` makes a new resource, of one in `unchangeable` fails.

    `create`, `update` and `delete` are calls (see calls.py) or functions; creating answers what `ref` and `attributes`
    (attribute: template) are filled from, besides the values of the handling. `derived` gives properties another form
    for the calls, `cleared` says what a property becomes that was taken away, `after` completes a create or update.
    `named` is the property that names the resource and the length of a name. `tagged` says what tags are put on.
    """

    name: str
    service: str
    create: Work
    delete: Work
    properties: frozenset[str]
    update: Work = ""
    required: frozenset[str] = frozenset()
    replaced_by: frozenset[str] = frozenset()
    unchangeable: frozenset[str] = frozenset()
    without_effect: frozenset[str] = frozenset()
    named: tuple[str, int] | None = None
    make_name: Callable[[Handling], str] | None = None
    ref: str = "{name}"
    attributes: Mapping[str, str] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()
    derived: Callable[[Handling], Mapping[str, Any]] = lambda _handling: {}
    cleared: Mapping[str, Any] = field(default_factory=dict)
    after: Callable[[Handling], None] = lambda _handling: None
    tagged: str = ""
    open_ended: bool = False

    @property
    def name_property(self) -> str:
        """The property that names the resource; empty when there is none."""
        return self.named[0] if self.named else ""

    def problems(self, properties: Mapping[str, Any]) -> list[str]:
        """What is wrong with the names of `properties`, in AWS's words."""
        if self.open_ended:
            return []
        missing = sorted(self.required - properties.keys())
        unknown = sorted(properties.keys() - self.properties - self.without_effect)
        return [f"#: required key [{name}] not found" for name in missing] + [
            f"#: extraneous key [{name}] is not permitted" for name in unknown
        ]

    def has_attribute(self, attribute: str) -> bool:
        """Whether Fn::GetAtt knows the attribute."""
        return self.open_ended or attribute in self.attributes

    def needs_replacement(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
        """Whether going from the old properties to the new ones makes a new resource."""
        return any(old.get(name) != new.get(name) for name in self.replaced_by)

    def make(self, handling: Handling) -> Made:
        """The resource exists."""
        handling = replace(handling, name=self._new_name(handling))
        answer = self._do(self.create, handling)
        handling = replace(handling, physical_id=self._made(handling, answer).physical_id)
        handling.begun(handling.physical_id)
        self._settle(handling, [one for one in self.settings if not one.created_with])
        self.after(handling)
        return self._made(handling, answer)

    def change(self, handling: Handling) -> Made:
        """The existing resource has the new properties."""
        self._refuse_changes(handling)
        handling = replace(handling, name=handling.physical_id)
        own = {TAGS, *(setting.property for setting in self.settings)} - {"" if self.tagged else TAGS}
        names = handling.properties.keys() | handling.old_properties.keys()
        changed = {name for name in names if handling.changed(name)}
        answer = self._do(self.update, handling) if self.update and changed - own else {}
        self._settle(handling, list(self.settings))
        self._sync_tags(handling)
        self.after(handling)
        return self._made(replace(handling, name=""), answer)

    def remove(self, handling: Handling) -> None:
        """The resource is gone."""
        self._do(self.delete, handling)

    def _new_name(self, handling: Handling) -> str:
        if not self.named:
            return handling.generated_name(100)
        property_name, longest = self.named
        given = handling.properties.get(property_name)
        return str(given or (self.make_name(handling) if self.make_name else handling.generated_name(longest)))

    def _do(self, work: Work, handling: Handling) -> Mapping[str, Any]:
        return self._call(work, handling) if isinstance(work, str) else work(handling) or {}

    def _call(self, text: str, handling: Handling) -> Mapping[str, Any]:
        gone = {name: value for name, value in self.cleared.items() if name in handling.old_properties}
        properties = {**gone, **handling.properties, **self.derived(handling)}
        return call(handling.client, text, properties, handling.values(properties))

    def _settle(self, handling: Handling, settings: list[Setting]) -> None:
        for setting in settings:
            if handling.changed(setting.property):
                is_gone = setting.property not in handling.properties
                self._call(setting.remove if is_gone and setting.remove else setting.put, handling)

    def _sync_tags(self, handling: Handling) -> None:
        new, old = tag_map(handling.properties.get(TAGS)), tag_map(handling.old_properties.get(TAGS))
        put, remove = _TAGGING.get(self.service, ("tag_resource", "untag_resource"))
        if self.tagged and new != old:
            values = handling.values({"gone": sorted(old.keys() - new.keys())})
            if values["gone"]:
                call(handling.client, f"{remove} {self.tagged} TagKeys={{gone}}", {}, values)
            if new:
                call(handling.client, f"{put} {self.tagged} Tags", {}, values)

    def _made(self, handling: Handling, answer: Mapping[str, Any]) -> Made:
        if self.open_ended:
            return Made(str(answer[self.ref]), {name: value for name, value in answer.items() if name != self.ref})
        values = handling.values(answer)
        filled = {name: fill(template, values) for name, template in self.attributes.items()}
        known = {name: value for name, value in filled.items() if value is not None}
        return Made(str(fill(self.ref, values) or handling.physical_id), {**handling.attributes, **known})

    def _refuse_changes(self, handling: Handling) -> None:
        changed = sorted(name for name in self.unchangeable if handling.changed(name))
        if changed:
            raise ResourceFailed(f"{', '.join(changed)} of an existing {self.name} cannot be changed")


def attached_policy(name: str, service: str, holders: str, put: Callable[[Handling, str, Any], None]) -> ResourceType:
    """The row of a policy that its property `holders` attaches; `put(handling, holder, None)` takes it away."""

    def attach(handling: Handling) -> None:
        wanted = handling.properties[holders]
        for holder in wanted:
            put(handling, holder, handling.properties["PolicyDocument"])
        for holder in set(handling.old_properties.get(holders, [])) - set(wanted):
            put(handling, holder, None)

    def detach(handling: Handling) -> None:
        for holder in handling.properties[holders]:
            put(handling, holder, None)

    both = words(f"PolicyDocument {holders}")
    attributes = {"Id": "{ref}"}
    return ResourceType(name, service, attach, detach, both, update=attach, required=both, attributes=attributes)


def resource_type(name: str) -> ResourceType:
    """The type of that name; raises KeyError when there is none."""
    return all_types()[CUSTOM if name.startswith("Custom::") else name]


@cache
def all_types() -> dict[str, ResourceType]:
    """Every resource type by name, gathered from the modules in `types`."""
    from localcloud.cloudformation import types

    modules = pkgutil.iter_modules(types.__path__, f"{types.__name__}.")
    return {one.name: one for module in modules for one in importlib.import_module(module.name).TYPES}


def wait_until(is_stable: Callable[[], bool], what: str) -> None:
    """`is_stable()` is true; raises ResourceFailed when that takes too long."""
    deadline = time.monotonic() + _STABLE_SECONDS
    while not is_stable():
        if time.monotonic() > deadline:
            raise ResourceFailed(f"{what} did not stabilize")
        time.sleep(_POLL_SECONDS)
