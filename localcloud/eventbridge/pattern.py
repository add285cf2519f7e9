"""Event patterns as EventBridge matches them: every content filter, and a refusal of those that do not exist.

Source: "Amazon EventBridge event patterns" and the rules of the open-source matcher, aws/event-ruler.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

_ABSENT: Final[list[Any]] = []
_COMPARISONS: Final[dict[str, Callable[[float, float], bool]]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


class InvalidPattern(ValueError):
    """Raised when a pattern is not one that EventBridge accepts; the message is AWS's reason."""


@dataclass(frozen=True)
class _Filter:
    """One content filter: what its operand must be, in a test and in AWS's words, and whether one scalar of the event
    satisfies it."""

    accepts: Callable[[Any], bool]
    requirement: str
    matches: Callable[[Any, Any], bool]


def matches(event: dict[str, Any], pattern: dict[str, Any]) -> bool:
    """Whether `event` satisfies every field of a pattern that `validate` has accepted."""
    return _matches(_nested(event), _nested(pattern))


def validate(pattern: Any) -> None:
    """The pattern is one that EventBridge accepts. Raises InvalidPattern otherwise."""
    if not isinstance(pattern, dict):
        raise InvalidPattern("Filter is not an object")
    if not pattern:
        raise InvalidPattern("Empty event pattern")
    _validate_fields(pattern)


def _nested(value: Any) -> Any:
    """A dot in a key separates two keys, in events and patterns alike: {"a.b": 1} is {"a": {"b": 1}}."""
    if isinstance(value, list):
        return [_nested(item) for item in value]
    if not isinstance(value, dict):
        return value
    nested: dict[str, Any] = {}
    for key, member in value.items():
        first, dot, rest = key.partition(".")
        inner = _nested({rest: member} if dot else member)
        nested[first] = _merged(nested[first], inner) if first in nested else inner
    return nested


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {key: _merged(one[key], value) if key in one else value for key, value in other.items()}
    return [one, other]


def _validate_fields(pattern: dict[str, Any]) -> None:
    for key, wanted in pattern.items():
        if key == "$or" and _is_alternatives(wanted):
            _validate_alternatives(wanted)
        elif isinstance(wanted, dict):
            if not wanted:
                raise InvalidPattern("Empty objects are not allowed")
            _validate_fields(wanted)
        elif isinstance(wanted, list):
            _validate_values(key, wanted)
        else:
            raise InvalidPattern(f'"{key}" must be an object or an array')


def _is_alternatives(wanted: Any) -> bool:
    """Whether the value of $or means alternatives; with an operator in it, it is a field of that name."""
    return isinstance(wanted, list) and all(isinstance(item, dict) and not item.keys() & _FILTERS for item in wanted)


def _validate_alternatives(alternatives: list[dict[str, Any]]) -> None:
    if len(alternatives) < 2:
        raise InvalidPattern("There must have at least 2 Objects in $or relationship")
    for alternative in alternatives:
        _validate_fields(alternative)


def _validate_values(key: str, values: list[Any]) -> None:
    if not values:
        raise InvalidPattern("Empty arrays are not allowed")
    for value in values:
        if isinstance(value, list):
            raise InvalidPattern(f'"{key}" may hold values and filters, not arrays')
        if isinstance(value, dict):
            _validate_filter(value)


def _validate_filter(value: dict[str, Any]) -> None:
    if len(value) != 1:
        raise InvalidPattern("Only one key allowed in match expression")
    operator, operand = next(iter(value.items()))
    if operator not in _FILTERS:
        raise InvalidPattern(f"Unrecognized match type {operator}")
    if not _FILTERS[operator].accepts(operand):
        raise InvalidPattern(_FILTERS[operator].requirement.format(operator))


def _matches(event: dict[str, Any], pattern: dict[str, Any]) -> bool:
    return all(_matches_field(event, key, wanted) for key, wanted in pattern.items())


def _matches_field(event: Any, key: str, wanted: Any) -> bool:
    if key == "$or" and _is_alternatives(wanted):
        return any(_matches(event, alternative) for alternative in wanted)
    found = event[key] if isinstance(event, dict) and key in event else _ABSENT
    if isinstance(wanted, dict):
        return _matches_object(found, wanted)
    return _matches_values(_leaves(found), wanted)


def _matches_object(found: Any, wanted: dict[str, Any]) -> bool:
    """Arrays of objects match when one of their objects satisfies all of the nested pattern."""
    objects = [item for item in _flatten(found) if isinstance(item, dict)]
    return any(_matches(item, wanted) for item in objects) if objects else _matches({}, wanted)


def _leaves(found: Any) -> list[Any]:
    return [item for item in _flatten(found) if not isinstance(item, dict)]


def _flatten(found: Any) -> Iterable[Any]:
    if not isinstance(found, list):
        return [found]
    return [leaf for item in found for leaf in _flatten(item)]


def _matches_values(leaves: list[Any], wanted: list[Any]) -> bool:
    return any(_matches_wanted(leaves, value) for value in wanted)


def _matches_wanted(leaves: list[Any], wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return any(_same(leaf, wanted) for leaf in leaves)
    operator, operand = next(iter(wanted.items()))
    if operator == "exists":
        return bool(leaves) is operand
    return any(_FILTERS[operator].matches(leaf, operand) for leaf in leaves)


def _same(value: Any, wanted: Any) -> bool:
    """JSON equality: true is not 1, and 300 is 3.0e2."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


def _listed(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str)


def _is_number(operand: Any) -> bool:
    return isinstance(operand, int | float) and not isinstance(operand, bool)


def _is_affix(operand: Any) -> bool:
    if isinstance(operand, dict):
        return list(operand) == ["equals-ignore-case"] and _is_text(operand["equals-ignore-case"])
    return _is_text(operand)


def _affix(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def matches_affix(value: Any, operand: Any) -> bool:
        if not isinstance(value, str):
            return False
        if isinstance(operand, dict):
            return test(value.lower(), operand["equals-ignore-case"].lower())
        return test(value, operand)

    return matches_affix


def _is_numeric_range(operand: Any) -> bool:
    """["=", n], one bound, or a lower bound followed by a higher upper one."""
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        return False
    operators, limits = operand[::2], operand[1::2]
    if not all(operator in _COMPARISONS for operator in operators) or not all(_is_number(limit) for limit in limits):
        return False
    if len(operators) == 1:
        return True
    return operators[0] in (">", ">=") and operators[1] in ("<", "<=") and limits[0] < limits[1]


def _in_numeric_range(value: Any, operand: list[Any]) -> bool:
    if not _is_number(value):
        return False
    bounds = zip(operand[::2], operand[1::2], strict=True)
    return all(_COMPARISONS[operator](value, limit) for operator, limit in bounds)


def _is_wildcard(operand: Any) -> bool:
    """A backslash escapes an asterisk or a backslash, and nothing else."""
    return _is_text(operand) and re.fullmatch(r"(?:\\[\\*]|\*(?!\*)|[^\\*])*", operand, re.DOTALL) is not None


def _matches_wildcard(value: Any, operand: str) -> bool:
    tokens = re.findall(r"\\[*\\]|.", operand, re.DOTALL)
    expression = "".join(".*" if token == "*" else re.escape(token[-1]) for token in tokens)
    return isinstance(value, str) and re.fullmatch(expression, value, re.DOTALL) is not None


def _equals_ignoring_case(value: Any, operand: str) -> bool:
    return isinstance(value, str) and value.lower() == operand.lower()


def _is_cidr(operand: Any) -> bool:
    try:
        ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False
    return _is_text(operand) and "/" in operand


def _in_cidr(value: Any, operand: str) -> bool:
    try:
        return isinstance(value, str) and ipaddress.ip_address(value) in ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False


def _is_anything_but(operand: Any) -> bool:
    if isinstance(operand, dict):
        return len(operand) == 1 and _is_negated_filter(*next(iter(operand.items())))
    operands = _listed(operand)
    return bool(operands) and (all(map(_is_text, operands)) or all(map(_is_number, operands)))


def _is_negated_filter(operator: str, operand: Any) -> bool:
    operands = _listed(operand)
    if operator not in _NEGATABLE or not operands or not all(map(_is_text, operands)):
        return False
    return all(operands) if operator in ("prefix", "suffix") else all(map(_FILTERS[operator].accepts, operands))


def _is_anything_but_match(value: Any, operand: Any) -> bool:
    if isinstance(operand, dict):
        operator, operands = next(iter(operand.items()))
        return not any(_FILTERS[operator].matches(value, item) for item in _listed(operands))
    return not any(_same(value, item) for item in _listed(operand))


_NEGATABLE: Final = ("prefix", "suffix", "equals-ignore-case", "wildcard")
_MUST_BE_TEXT: Final = "{} match pattern must be a string"
_MUST_BE_LISTED: Final = "Value of anything-but must be an array or single string/number value."
_FILTERS: Final[dict[str, _Filter]] = {
    "prefix": _Filter(_is_affix, _MUST_BE_TEXT, _affix(str.startswith)),
    "suffix": _Filter(_is_affix, _MUST_BE_TEXT, _affix(str.endswith)),
    "equals-ignore-case": _Filter(_is_text, _MUST_BE_TEXT, _equals_ignoring_case),
    "wildcard": _Filter(
        _is_wildcard, _MUST_BE_TEXT + " without consecutive wildcards or invalid escapes", _matches_wildcard
    ),
    "numeric": _Filter(
        _is_numeric_range, "Value of numeric must be an array of operators and numbers.", _in_numeric_range
    ),
    "cidr": _Filter(_is_cidr, "Malformed CIDR, one '/' required", _in_cidr),
    "anything-but": _Filter(_is_anything_but, _MUST_BE_LISTED, _is_anything_but_match),
    "exists": _Filter(
        lambda operand: isinstance(operand, bool),
        "{} match pattern must be either true or false.",
        lambda value, operand: operand is True,
    ),
}
