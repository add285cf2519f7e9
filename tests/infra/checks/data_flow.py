"""What a state machine reads must have been written on every way that leads there."""

import re
from collections.abc import Iterator
from typing import Any

_PATH = re.compile(r"(?<!\$)\$\.([A-Za-z_]\w*)")
_MISSING_IS_FINE = {"IsPresent"}
_ERROR_FIELDS = ("Variable", "InputPath", "OutputPath", "CausePath", "ErrorPath", "ItemsPath", "SecondsPath")


def unwritten(definition: dict[str, Any], inputs: set[str]) -> list[str]:
    """One sentence for each ``$.name`` that a state reads though some way to it leaves ``name`` unwritten."""
    known = _known_on_entry(definition, inputs)
    return [
        f"{name} reads $.{read}, which is not there on every way to it"
        for name, state in definition["States"].items()
        if name in known
        for read in sorted(set(_reads(state)) - known[name])
    ]


def unreachable(definition: dict[str, Any]) -> set[str]:
    """States to which no way leads."""
    return set(definition["States"]) - set(_known_on_entry(definition, set()))


def _known_on_entry(definition: dict[str, Any], inputs: set[str]) -> dict[str, set[str]]:
    """For every reachable state the names that all ways to it have written: the greatest fixed point."""
    states = definition["States"]
    known = {definition["StartAt"]: set(inputs)}
    pending = [definition["StartAt"]]
    while pending:
        name = pending.pop()
        for target, written in _exits(states[name]):
            arriving = (set() if _replaces(states[name]) else known[name]) | written
            if target not in known or not known[target] <= arriving:
                known[target] = arriving & known.get(target, arriving)
                pending.append(target)
    return known


def _exits(state: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Next states, each with what this state writes on the way there."""
    if "Next" in state:
        yield state["Next"], _written(state)
    for catch in state.get("Catch", ()):
        yield catch["Next"], _written(catch)
    for choice in state.get("Choices", ()):
        yield choice["Next"], set(_PATH.findall(choice["Variable"])) if choice.get("IsPresent") else set()
    if "Default" in state:
        yield state["Default"], set()


def _replaces(state: dict[str, Any]) -> bool:
    """Whether the state puts its parameters in place of all data."""
    return state.get("Type") == "Pass" and "Parameters" in state and "ResultPath" not in state


def _written(state: dict[str, Any]) -> set[str]:
    if _replaces(state):
        return {name.removesuffix(".$") for name in state["Parameters"]}
    return set(_PATH.findall(state.get("ResultPath", "")))


def _reads(state: dict[str, Any]) -> Iterator[str]:
    for field in _ERROR_FIELDS:
        yield from _PATH.findall(str(state.get(field, "")))
    for choice in state.get("Choices", ()):
        if not _MISSING_IS_FINE & set(choice):
            yield from _PATH.findall(choice.get("Variable", ""))
    yield from _parameters(state.get("Parameters"))


def _parameters(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key.endswith(".$"):
                yield from _PATH.findall(inner)
            else:
                yield from _parameters(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parameters(inner)
