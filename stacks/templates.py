"""Templates read back: references as text, and the state machines they hold."""

import json
from collections.abc import Callable, Iterator
from typing import Any

Json = Any

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "111122223333",
    "AWS::URLSuffix": "amazonaws.com",
}


def as_text(value: Json, named: Callable[[str], str] = lambda name: f"<{name}>") -> str:
    """A template's value as text; what is known only at deployment becomes ``named`` of what it refers to."""
    if not isinstance(value, dict):
        return str(value)
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(as_text(part, named) for part in argument[1])
    if function == "Ref":
        return named(argument)
    if function == "Fn::GetAtt":
        return named(".".join(argument))
    if function == "Fn::GetStackOutput":
        return named(f"{argument['StackName']}.{argument['OutputName']}")
    if function == "Fn::Sub":
        return str(argument)
    return named(function)


def placeholder(name: str) -> str:
    """A value that looks like the real one, for tools that check its form."""
    if name in _PSEUDO:
        return _PSEUDO[name]
    letters = "".join(letter for letter in name if letter.isalnum())
    if "Function" in name:
        return f"arn:aws:lambda:eu-central-1:111122223333:function:{letters}"
    return f"arn:aws:iam::111122223333:role/{letters}" if name.endswith(".Arn") else letters


def state_machines(template: Json) -> dict[str, Json]:
    """Definitions by logical id, with placeholders for what is known only at deployment."""
    return {
        logical_id: json.loads(as_text(resource["Properties"]["DefinitionString"], placeholder))
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::StepFunctions::StateMachine"
    }


def states(definition: Json) -> Iterator[tuple[str, Json]]:
    """Every state by name, those of branches and maps included."""
    for name, state in definition["States"].items():
        yield name, state
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")):
            if inner:
                yield from states(inner)
