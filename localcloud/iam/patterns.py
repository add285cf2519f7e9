"""Wildcards and policy variables in the strings of a policy."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

Context = Mapping[str, Sequence[str]]  # condition keys in lower case, each with its values

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_LITERALS = {"*": r"\*", "?": r"\?", "$": r"\$"}
_WILDCARDS = {"*": ".*", "?": "."}
_ARN_PARTS = 6


def matches(value: str, pattern: str, context: Context, *, ignore_case: bool = False) -> bool:
    """`value` is what `pattern` describes with * and ?; false when a variable in the pattern has no value."""
    expression = _expression(pattern, context)
    return expression is not None and _compiled(expression, ignore_case).fullmatch(value) is not None


def equals(value: str, pattern: str, context: Context) -> bool:
    """`value` is `pattern` with its variables filled in, without wildcards."""
    filled = fill(pattern, context)
    return filled is not None and value == filled


def arn_matches(value: str, pattern: str, context: Context) -> bool:
    """Each of the six parts of the ARN `value` is what that part of `pattern` describes."""
    parts, wanted = value.split(":", _ARN_PARTS - 1), _split_arn(pattern)
    if len(parts) != _ARN_PARTS or len(wanted) != _ARN_PARTS:
        return pattern == "*"
    return all(matches(part, want, context) for part, want in zip(parts, wanted, strict=True))


def fill(pattern: str, context: Context) -> str | None:
    """`pattern` with variables replaced by their values; None when one has none."""
    if "${" not in pattern:
        return pattern
    values = [_value(name, context) for name in _VARIABLE.findall(pattern)]
    if None in values:
        return None
    remaining = iter(values)
    return _VARIABLE.sub(lambda _match: str(next(remaining)), pattern)


def _split_arn(pattern: str) -> list[str]:
    """Parts of an ARN pattern; the colon inside a variable does not divide."""
    held = _VARIABLE.sub(lambda match: match[0].replace(":", "\0"), pattern)
    return [part.replace("\0", ":") for part in held.split(":", _ARN_PARTS - 1)]


def _expression(pattern: str, context: Context) -> str | None:
    """A regular expression; wildcards in the values of variables stand for themselves."""
    pieces, end = [], 0
    for match in _VARIABLE.finditer(pattern):
        value = _value(match[1], context)
        if value is None:
            return None
        pieces.append(_wildcards(pattern[end : match.start()]) + re.escape(value))
        end = match.end()
    return "".join(pieces) + _wildcards(pattern[end:])


def _value(variable: str, context: Context) -> str | None:
    if variable in _LITERALS:
        return variable
    name, comma, default = variable.partition(",")
    found = context.get(name.strip().lower())
    if found:
        return found[0]
    return default.strip().strip("'") if comma else None


@lru_cache(maxsize=65536)
def _wildcards(text: str) -> str:
    return "".join(_WILDCARDS.get(character, re.escape(character)) for character in text)


@lru_cache(maxsize=65536)
def _compiled(expression: str, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
