"""Replacing and adding attributes of moto's modules, each with its reason, and loudly when moto has changed."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud import StartupError


@dataclass(frozen=True)
class Patch:
    """What was done to moto, for the table in the documentation."""

    target: str
    kind: str
    reason: str


class Patches:
    """The patches of one process, in the order in which they were made."""

    def __init__(self) -> None:
        self.made: list[Patch] = []

    def replace(self, target: str, new: object, reason: str) -> Any:
        """`target` ("module:Name.attribute") is `new`; returns what it was before.

        Raises StartupError when moto has no such attribute.
        """
        owner, name = _owner(target)
        if not hasattr(owner, name):
            raise StartupError(f"moto has no {target}, which the local cloud replaces: install the pinned moto version")
        original = getattr(owner, name)
        setattr(owner, name, new)
        self.made.append(Patch(target, "replaced", reason))
        return original

    def wrap(self, target: str, wrapper: Callable[[Callable[..., Any]], object], reason: str) -> None:
        """`target` is what `wrapper` makes of what it was before. Raises StartupError as `replace` does."""
        before: list[Callable[..., Any]] = []
        before.append(self.replace(target, wrapper(lambda *given, **named: before[0](*given, **named)), reason))

    def add(self, target: str, new: object, reason: str) -> None:
        """`target`, which did not exist, is `new`. Raises StartupError when moto has it by now."""
        owner, name = _owner(target)
        if hasattr(owner, name):
            raise StartupError(f"moto has {target} by now, which the local cloud adds: install the pinned moto version")
        setattr(owner, name, new)
        self.made.append(Patch(target, "added", reason))


def _owner(target: str) -> tuple[Any, str]:
    module, _, path = target.partition(":")
    *parents, name = path.split(".")
    try:
        owner: Any = importlib.import_module(module)
        for parent in parents:
            owner = getattr(owner, parent)
    except (ImportError, AttributeError) as error:
        raise StartupError(f"moto has no {target}: install the pinned moto version") from error
    return owner, name
