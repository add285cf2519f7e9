"""Outputs of a stack, and the exports by which other stacks use them."""

from collections.abc import Callable
from typing import Any

from localcloud.cloudformation.backend import Backend
from localcloud.cloudformation.errors import ValidationError
from localcloud.cloudformation.intrinsics import Scope, evaluate
from localcloud.cloudformation.stack import Output, Stack
from localcloud.cloudformation.templates import Template


def evaluate_outputs(backend: Backend, stack: Stack, template: Template, scope: Scope) -> list[Output]:
    """The outputs whose condition holds; raises ValidationError when an export clashes or is taken away in use."""
    outputs = [
        _output(name, definition, scope, backend.resolver(stack))
        for name, definition in template.section("Outputs").items()
        if "Condition" not in definition or scope.conditions[definition["Condition"]]
    ]
    _check_exports(backend, stack, outputs)
    return outputs


def export_in_use(backend: Backend, stack: Stack, gone: set[str]) -> str | None:
    """Why the exports `gone` cannot be taken away or changed; None when nobody imports them."""
    stacks = backend.stacks(stack.identity.region)
    for name in sorted(gone):
        importers = [importer for importer in stacks.importers(name) if importer != stack.identity.name]
        if importers:
            return f"Delete canceled. Cannot delete export {name} as it is in use by {' and '.join(importers)}."
    return None


def _output(name: str, definition: dict[str, object], scope: Scope, resolve: Callable[[Any], Any]) -> Output:
    export = definition.get("Export")
    export_name = evaluate(export, scope)["Name"] if isinstance(export, dict) else None
    value = resolve(evaluate(definition["Value"], scope))
    if isinstance(value, list | dict):
        raise ValidationError(f"Template format error: Output {name} is malformed: its value must be a string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Output(name, text, str(definition["Description"]) if "Description" in definition else None, export_name)


def _check_exports(backend: Backend, stack: Stack, outputs: list[Output]) -> None:
    exports = backend.stacks(stack.identity.region).exports()
    new = {output.export: output.value for output in outputs if output.export}
    for name in new:
        owner = exports[name][0] if name in exports else stack
        if owner is not stack:
            raise ValidationError(f"Export with name {name} is already exported by stack {owner.identity.name}")
    old = {output.export: output.value for output in stack.outputs if output.export}
    in_use = export_in_use(backend, stack, old.keys() - new.keys())
    if in_use is not None:
        raise ValidationError(in_use)
    changed = {name for name, value in old.items() if name in new and new[name] != value}
    if export_in_use(backend, stack, changed) is not None:
        raise ValidationError(f"Export {sorted(changed)[0]} cannot be updated as it is in use by another stack")
