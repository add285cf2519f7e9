"""Metric math over aligned data points.

Source: "Using metric math". A scalar stands for the same value in every period; an operation on a missing data point
gives a missing data point.
"""

import ast
import math
import operator
import re
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from localcloud.cloudwatch.metrics import Vector

Value = float | Vector | list[Vector]


class InvalidExpression(ValueError):
    """Raised for an expression that is malformed, or uses what the local cloud does not compute."""


@dataclass(frozen=True)
class Scope:
    """What an expression may use: data by id, and the grid they are on."""

    vectors: dict[str, Vector]
    metric_ids: frozenset[str]
    length: int


def evaluate(expression: str, scope: Scope) -> Vector:
    """The expression's value in every period. Raises InvalidExpression."""
    value = _Evaluator(scope).value(_parsed(expression))
    if isinstance(value, list) and value and isinstance(value[0], list):
        raise InvalidExpression(f"{expression} gives several time series; one is needed here.")
    return _spread(value, scope.length)


def names_in(expression: str) -> set[str]:
    """The ids that an expression refers to; METRICS() stands for all metrics."""
    tree = _parsed(expression)
    functions = {
        node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - functions - {"REPEAT"}


def _parsed(expression: str) -> ast.expr:
    text = re.sub(r"\bAND\b|&&", " and ", re.sub(r"\bOR\b|\|\|", " or ", expression.replace("^", "**")))
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise InvalidExpression(f"Invalid metrics expression {expression!r}: {error.msg}") from error


def _spread(value: Value, length: int) -> Vector:
    if isinstance(value, list):
        return [item for item in value if not isinstance(item, list)]
    return [value] * length


class _Evaluator:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def value(self, node: ast.expr) -> Value:
        visit = _VISITORS.get(type(node))
        if visit is None:
            raise InvalidExpression(f"Unsupported metric math: {ast.unparse(node)}")
        return visit(self, node)

    def vector(self, node: ast.expr) -> Vector:
        return _spread(self.value(node), self._scope.length)

    def constant(self, node: ast.Constant) -> Value:
        if not isinstance(node.value, int | float):
            raise InvalidExpression(f"Unsupported constant in metric math: {node.value!r}")
        return float(node.value)

    def name(self, node: ast.Name) -> Value:
        if node.id not in self._scope.vectors:
            raise InvalidExpression(f"Undefined symbol {node.id!r} in metric math")
        return self._scope.vectors[node.id]

    def array(self, node: ast.List) -> Value:
        return [self.vector(element) for element in node.elts]

    def binary(self, node: ast.BinOp) -> Value:
        return self._apply(_ARITHMETIC.get(type(node.op)), node, node.left, node.right)

    def unary(self, node: ast.UnaryOp) -> Value:
        return self._apply(_UNARY.get(type(node.op)), node, node.operand)

    def compare(self, node: ast.Compare) -> Value:
        if len(node.ops) != 1:
            raise InvalidExpression(f"Compare two values at a time: {ast.unparse(node)}")
        return self._apply(_COMPARISONS.get(type(node.ops[0])), node, node.left, node.comparators[0])

    def boolean(self, node: ast.BoolOp) -> Value:
        combine = all if isinstance(node.op, ast.And) else any
        return self._apply(lambda *values: float(combine(values)), node, *node.values)

    def call(self, node: ast.Call) -> Value:
        name = node.func.id.upper() if isinstance(node.func, ast.Name) else ""
        if name == "METRICS":
            return self._metrics(node)
        if name == "FILL":
            return self._fill(node)
        if name == "IF":
            return self._if(node)
        if name in _AGGREGATES:
            return self._aggregate(name, node)
        if name in _POINTWISE:
            return self._apply(_POINTWISE[name], node, *node.args)
        raise InvalidExpression(f"The local cloud has no metric math function {name or ast.unparse(node.func)}.")

    def _apply(self, function: Callable[..., float | None] | None, node: ast.expr, *operands: ast.expr) -> Value:
        if function is None:
            raise InvalidExpression(f"Unsupported operator in metric math: {ast.unparse(node)}")
        values = [self.value(operand) for operand in operands]
        if all(isinstance(value, float) for value in values):
            result = function(*values)
            return self._nothing() if result is None else result
        vectors = [_spread(value, self._scope.length) for value in values]
        return [
            None if any(item is None for item in items) else function(*items) for items in zip(*vectors, strict=True)
        ]

    def _nothing(self) -> Vector:
        return [None] * self._scope.length

    def _metrics(self, node: ast.Call) -> Value:
        wanted = ""
        if node.args:
            argument = node.args[0]
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                raise InvalidExpression(f"METRICS takes a text in quotes: {ast.unparse(node)}")
            wanted = argument.value
        return [self._scope.vectors[name] for name in sorted(self._scope.metric_ids) if wanted in name]

    def _aggregate(self, name: str, node: ast.Call) -> Value:
        function = _AGGREGATES[name]
        if len(node.args) > 1 and name in ("MAX", "MIN"):
            return self._across(function, [self.vector(argument) for argument in node.args])
        value = self.value(_only(node))
        if isinstance(value, list) and value and isinstance(value[0], list):
            return self._across(function, [item for item in value if isinstance(item, list)])
        present = [item for item in _spread(value, self._scope.length) if item is not None]
        return function(present) if present else self._nothing()

    def _across(self, function: Callable[[list[float]], float], vectors: list[Vector]) -> Vector:
        columns = ([item for item in column if item is not None] for column in zip(*vectors, strict=True))
        return [function(column) if column else None for column in columns]

    def _fill(self, node: ast.Call) -> Value:
        if len(node.args) != 2:
            raise InvalidExpression(f"FILL takes a time series and a filler: {ast.unparse(node)}")
        vector, filler = self.vector(node.args[0]), node.args[1]
        if isinstance(filler, ast.Name) and filler.id == "REPEAT":
            return _repeat(vector)
        fillers = self.vector(filler)
        return [new if old is None else old for old, new in zip(vector, fillers, strict=True)]

    def _if(self, node: ast.Call) -> Value:
        if len(node.args) not in (2, 3):
            raise InvalidExpression(f"IF takes a condition and one or two values: {ast.unparse(node)}")
        condition, chosen, *rest = [self.vector(argument) for argument in node.args]
        otherwise: Vector = rest[0] if rest else [None] * self._scope.length
        pairs = zip(condition, chosen, otherwise, strict=True)
        return [None if test is None else yes if test else no for test, yes, no in pairs]


def _only(node: ast.Call) -> ast.expr:
    if len(node.args) != 1:
        raise InvalidExpression(f"One argument is needed: {ast.unparse(node)}")
    return node.args[0]


def _divide(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    result = left**right if left or right >= 0 else None
    return result if isinstance(result, float) else None


def _repeat(vector: Vector) -> Vector:
    last: float | None = None
    filled: Vector = []
    for item in vector:
        last = item if item is not None else last
        filled.append(last)
    return filled


_VISITORS: Final[dict[type[ast.expr], Callable[..., Value]]] = {
    ast.Constant: _Evaluator.constant,
    ast.Name: _Evaluator.name,
    ast.List: _Evaluator.array,
    ast.BinOp: _Evaluator.binary,
    ast.UnaryOp: _Evaluator.unary,
    ast.Compare: _Evaluator.compare,
    ast.BoolOp: _Evaluator.boolean,
    ast.Call: _Evaluator.call,
}
_ARITHMETIC: Final[dict[type[ast.operator], Callable[..., float | None]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: _divide,
    ast.Pow: _power,
}
_UNARY: Final[dict[type[ast.unaryop], Callable[..., float | None]]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[..., float | None]]] = {
    ast.Gt: lambda left, right: float(left > right),
    ast.GtE: lambda left, right: float(left >= right),
    ast.Lt: lambda left, right: float(left < right),
    ast.LtE: lambda left, right: float(left <= right),
    ast.Eq: lambda left, right: float(left == right),
    ast.NotEq: lambda left, right: float(left != right),
}
_AGGREGATES: Final[dict[str, Callable[[list[float]], float]]] = {
    "AVG": statistics.fmean,
    "SUM": math.fsum,
    "MIN": min,
    "MAX": max,
}
_POINTWISE: Final[dict[str, Callable[..., float | None]]] = {
    "ABS": abs,
    "CEIL": lambda value: float(math.ceil(value)),
    "FLOOR": lambda value: float(math.floor(value)),
}
