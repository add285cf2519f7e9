"""Conditions of a spec carried out by Arrow, a batch at a time. Nothing of them is ever run as Python."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from trimtab.data import arrow_functions as af

if TYPE_CHECKING:
    from trimtab.spec import Expression

_MOMENT: Final = pa.timestamp("us", "UTC")
_MICROSECONDS: Final = 1e6
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Lt: af.less,
    ast.LtE: af.less_equal,
    ast.Gt: af.greater,
    ast.GtE: af.greater_equal,
    ast.Eq: af.equal,
    ast.NotEq: af.not_equal,
}
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: af.add,
    ast.Sub: af.subtract,
    ast.Mult: af.multiply,
    ast.Div: af.divide,
    ast.Mod: lambda left, right: af.subtract(left, af.multiply(af.floor(af.divide(left, right)), right)),
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": af.abs,
    "length": af.utf8_length,
    "lower": af.utf8_lower,
    "upper": af.utf8_upper,
    "starts_with": lambda text, pattern: af.starts_with(text, pattern.as_py()),
    "ends_with": lambda text, pattern: af.ends_with(text, pattern.as_py()),
    "contains": lambda text, pattern: af.match_substring(text, pattern.as_py()),
}


def holds(expression: Expression, columns: Mapping[str, pa.Array]) -> pa.Array:
    """For every row true, false, or null where a missing value leaves it unknown.

    ``columns`` are in the contract's Arrow types, text without dictionaries. A division without a result, such as 0/0,
    is missing.
    """
    return _Evaluation(expression, columns).condition(expression.tree)


class _Evaluation:
    def __init__(self, expression: Expression, columns: Mapping[str, pa.Array]) -> None:
        self._expression, self._columns = expression, columns
        self._by_node: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.Name: lambda node: self._columns[self._expression.columns[node.id]],
            ast.UnaryOp: self._unary,
            ast.BinOp: self._arithmetic,
            ast.BoolOp: self._logic,
            ast.Compare: self._comparison,
            ast.Call: lambda node: _FUNCTIONS[node.func.id](*map(self.value, node.args)),
        }

    def value(self, node: ast.expr) -> Any:
        """An array, or a scalar where no column takes part."""
        return self._by_node[type(node)](node)

    def condition(self, node: ast.expr) -> Any:
        found = self.value(node)
        return found if pa.types.is_boolean(found.type) else af.not_equal(found, 0)

    def _constant(self, node: ast.Constant) -> pa.Scalar:
        if self._expression.kinds[node] == "timestamp":
            moment = datetime.fromisoformat(str(node.value))
            return pa.scalar(moment if moment.tzinfo else moment.replace(tzinfo=UTC), _MOMENT)
        return pa.scalar(node.value)

    def _unary(self, node: ast.UnaryOp) -> Any:
        if isinstance(node.op, ast.Not):
            return af.invert(self.condition(node.operand))
        number = self._number(node.operand)
        return af.negate(number) if isinstance(node.op, ast.USub) else number

    def _number(self, node: ast.expr) -> Any:
        found = self.value(node)
        if pa.types.is_timestamp(found.type):
            return af.divide(found.cast(pa.int64()).cast(pa.float64(), safe=False), _MICROSECONDS)
        return found.cast(pa.float64(), safe=False) if isinstance(found, pa.Array) else found.cast(pa.float64())

    def _arithmetic(self, node: ast.BinOp) -> Any:
        result = _ARITHMETIC[type(node.op)](self._number(node.left), self._number(node.right))
        return af.if_else(af.is_nan(result), pa.scalar(None, pa.float64()), result)

    def _logic(self, node: ast.BoolOp) -> Any:
        combine = af.and_kleene if isinstance(node.op, ast.And) else af.or_kleene
        return reduce(combine, map(self.condition, node.values))

    def _comparison(self, node: ast.Compare) -> Any:
        pairs = zip((node.left, *node.comparators), node.ops, node.comparators, strict=False)
        return reduce(af.and_kleene, [self._compared(*pair) for pair in pairs])

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Any:
        value = self.value(left)
        if isinstance(operator, ast.Is | ast.IsNot):
            missing = af.is_null(value)
            return missing if isinstance(operator, ast.Is) else af.invert(missing)
        if isinstance(operator, ast.In | ast.NotIn):
            found = self._is_member(value, right)
            return found if isinstance(operator, ast.In) else af.invert(found)
        return _COMPARISONS[type(operator)](value, self.value(right))

    def _is_member(self, value: Any, listed: Any) -> Any:
        """Null where the value is missing."""
        return reduce(af.or_kleene, [af.equal(value, self.value(each)) for each in listed.elts])
