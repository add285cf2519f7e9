"""The Condition element: 27 operators, IfExists, ForAllValues and ForAnyValue.

Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".
"""

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from localcloud.iam.patterns import Context, arn_matches, equals, matches

Test = Callable[[str, str, Context], bool]


class UnknownOperator(Exception):
    """Raised for a condition operator that IAM does not have."""


def hold(conditions: dict[str, Any] | None, context: Context) -> bool:
    """Every condition holds for the request that `context` describes."""
    return all(
        _holds(operator, key, as_list(wanted), context)
        for operator, by_key in (conditions or {}).items()
        for key, wanted in by_key.items()
    )


def as_list(value: Any) -> list[Any]:
    """Policies write one value without a list."""
    return value if isinstance(value, list) else [value]


def _holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if_exists, name = name.endswith("IfExists"), name.removesuffix("IfExists")
    values, patterns = context.get(key.lower()), [_text(one) for one in wanted]
    if name == "Null":
        return (values is None) == (patterns[0].lower() == "true")
    negated, test = _operator(name)
    if values is None:
        return if_exists or quantifier == "ForAllValues" or (negated and quantifier != "ForAnyValue")
    results = [any(test(value, pattern, context) for pattern in patterns) != negated for value in values]
    if quantifier == "ForAllValues" or (negated and not quantifier):
        return all(results)
    return any(results)


def _operator(name: str) -> tuple[bool, Test]:
    if name in _TESTS:
        return False, _TESTS[name]
    positive = name.replace("Not", "", 1)
    if "Not" in name and positive in _TESTS:
        return True, _TESTS[positive]
    raise UnknownOperator(f"{name} is not a condition operator")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(compare: Callable[[float, float], bool]) -> Test:
    return _compare(float, compare)


def _date(compare: Callable[[float, float], bool]) -> Test:
    return _compare(_epoch, compare)


def _compare(convert: Callable[[str], float], compare: Callable[[float, float], bool]) -> Test:
    def test(value: str, pattern: str, _context: Context) -> bool:
        try:
            return compare(convert(value), convert(pattern))
        except ValueError:
            return False

    return test


def _epoch(text: str) -> float:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _in_network(value: str, pattern: str, _context: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False


_TESTS: dict[str, Test] = {
    "StringEquals": equals,
    "StringEqualsIgnoreCase": lambda value, pattern, context: equals(value.lower(), pattern.lower(), context),
    "StringLike": matches,
    "ArnEquals": arn_matches,
    "ArnLike": arn_matches,
    "Bool": lambda value, pattern, _: value.lower() == pattern.lower(),
    "BinaryEquals": lambda value, pattern, _: value == pattern,
    "IpAddress": _in_network,
    "NumericEquals": _number(lambda value, limit: value == limit),
    "NumericLessThan": _number(lambda value, limit: value < limit),
    "NumericLessThanEquals": _number(lambda value, limit: value <= limit),
    "NumericGreaterThan": _number(lambda value, limit: value > limit),
    "NumericGreaterThanEquals": _number(lambda value, limit: value >= limit),
    "DateEquals": _date(lambda value, limit: value == limit),
    "DateLessThan": _date(lambda value, limit: value < limit),
    "DateLessThanEquals": _date(lambda value, limit: value <= limit),
    "DateGreaterThan": _date(lambda value, limit: value > limit),
    "DateGreaterThanEquals": _date(lambda value, limit: value >= limit),
}
