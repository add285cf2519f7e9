"""The language of rules across columns: conditions in Python's notation, parsed and typed here, never evaluated here.

    names         columns; in backticks when they are no Python names: `dep delay`
    literals      numbers, 'text', True, False
    comparisons   < <= > >= == !=, also chained; `in (…)` and `not in (…)` of literals; `is None`, `is not None`
    arithmetic    + - * / % on numbers, in float64; the difference of two timestamps is in seconds
    logic         and, or, not; an integer counts as true unless it is 0
    functions     abs, length, lower, upper, starts_with, ends_with, contains
    timestamps    compare with each other and with ISO 8601 text

A missing value makes what it touches unknown, as in SQL; a row breaks a rule only where the condition is false.
"""

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Final

_KINDS: Final = {"integer": "number"}
_ARITHMETIC: Final = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod)
_ORDER: Final = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_EQUALITY: Final = (ast.Eq, ast.NotEq)
_QUOTED: Final = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|`([^`\n]+)`")
FUNCTIONS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "abs": (("number",), "number"),
    "length": (("string",), "number"),
    "lower": (("string",), "string"),
    "upper": (("string",), "string"),
    "starts_with": (("string", "literal"), "boolean"),
    "ends_with": (("string", "literal"), "boolean"),
    "contains": (("string", "literal"), "boolean"),
}
"""Kinds of the arguments and of the result; ``literal`` is text in quotes."""


@dataclass(frozen=True)
class Expression:
    """A condition whose every part is known to be allowed and of the right kind."""

    tree: ast.expr
    columns: Mapping[str, str]
    """Column by the name that the tree uses for it."""
    kinds: Mapping[ast.expr, str]
    """number, string, boolean or timestamp for every part of the tree that has a value."""


def parse_expression(text: str, types: Mapping[str, str]) -> Expression:
    """The condition in ``text`` over columns of these types. Raises ValueError that says what is wrong."""
    plain, columns = _unquoted(text)
    typing = _Typing(types, columns)
    try:
        tree = ast.parse(plain.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"is no condition: {getattr(error, 'msg', error)}") from error
    try:
        typing.condition(tree)
    except RecursionError as error:
        raise ValueError("is nested too deeply: split it into several checks") from error
    if not typing.used:
        raise ValueError("names no column")
    return Expression(tree, typing.used, typing.kinds)


def _unquoted(text: str) -> tuple[str, dict[str, str]]:
    """The text with a plain name in place of every name in backticks, and which column each stands for."""
    columns: dict[str, str] = {}

    def plain(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        name = f"_column_{len(columns)}"
        columns[name] = found[1]
        return name

    return _QUOTED.sub(plain, text), columns


class _Typing:
    """Walks a tree once and knows the kind of every part. Raises ValueError for what is not in the language."""

    def __init__(self, types: Mapping[str, str], aliases: Mapping[str, str]) -> None:
        self._types, self._aliases = types, aliases
        self.used: dict[str, str] = {}
        self.kinds: dict[ast.expr, str] = {}
        self._walkers: dict[type[ast.expr], Callable[[ast.expr], str]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._arithmetic,
            ast.BoolOp: self._logic,
            ast.Compare: self._comparison,
            ast.Call: self._call,
        }

    def condition(self, node: ast.expr) -> None:
        """The node is a condition: a boolean, or an integer that stands for one."""
        kind = self.kind(node)
        if kind != "boolean" and not self._is_integer(node):
            raise ValueError(f"'{ast.unparse(node)}' is a {kind}; a condition is true or false")

    def kind(self, node: ast.expr) -> str:
        walker = self._walkers.get(type(node))
        if walker is None:
            raise ValueError(f"'{ast.unparse(node)}' is not part of the language of checks")
        self.kinds[node] = walker(node)
        return self.kinds[node]

    def _is_integer(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and self._types[self.used[node.id]] == "integer"

    def _constant(self, node: ast.expr) -> str:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, bool):
            return "boolean"
        if isinstance(value, int | float) and abs(value) < 2**63 and math.isfinite(value):
            return "number"
        if isinstance(value, str):
            return "string"
        raise ValueError(f"{ast.unparse(node)} can only stand after 'is' or 'is not', or is no value of a column")

    def _name(self, node: ast.expr) -> str:
        assert isinstance(node, ast.Name)
        column = self._aliases.get(node.id, node.id)
        if column not in self._types:
            near = get_close_matches(column, self._types, n=1, cutoff=0.6)
            raise ValueError(f"no column is called '{column}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        self.used[node.id] = column
        return _KINDS.get(self._types[column], self._types[column])

    def _unary(self, node: ast.expr) -> str:
        assert isinstance(node, ast.UnaryOp)
        if isinstance(node.op, ast.Not):
            self.condition(node.operand)
            return "boolean"
        if isinstance(node.op, ast.Invert):
            raise ValueError("write 'not' in place of '~'")
        return self._expect(node.operand, "number")

    def _arithmetic(self, node: ast.expr) -> str:
        assert isinstance(node, ast.BinOp)
        if not isinstance(node.op, _ARITHMETIC):
            raise ValueError(f"'{ast.unparse(node)}': arithmetic is + - * / and %")
        left, right = self.kind(node.left), self.kind(node.right)
        if left == right == "timestamp" and isinstance(node.op, ast.Sub):
            return "number"
        if left != "number" or right != "number":
            raise ValueError(f"'{ast.unparse(node)}' calculates with a {left} and a {right}")
        return "number"

    def _logic(self, node: ast.expr) -> str:
        assert isinstance(node, ast.BoolOp)
        for part in node.values:
            self.condition(part)
        return "boolean"

    def _comparison(self, node: ast.expr) -> str:
        assert isinstance(node, ast.Compare)
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._compared(left, operator, right)
            left = right
        return "boolean"

    def _compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> None:
        kind = self.kind(left)
        if isinstance(operator, ast.Is | ast.IsNot):
            if not (isinstance(right, ast.Constant) and right.value is None):
                raise ValueError("'is' and 'is not' are for None")
        elif isinstance(operator, ast.In | ast.NotIn):
            self._members(kind, right)
        else:
            self._alike(left, kind, operator, right)

    def _alike(self, left: ast.expr, kind: str, operator: ast.cmpop, right: ast.expr) -> None:
        other = self.kind(right)
        for literal, against in ((right, kind), (left, other)):
            if against == "timestamp" and isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                _moment(literal.value)
                self.kinds[literal] = kind = other = "timestamp"
        if kind != other:
            raise ValueError(f"'{ast.unparse(left)}' is a {kind} and '{ast.unparse(right)}' a {other}")
        if isinstance(operator, _ORDER) and kind == "boolean":
            raise ValueError("true and false have no order: use == or !=")

    def _members(self, kind: str, listed: ast.expr) -> None:
        if not isinstance(listed, ast.Tuple | ast.List | ast.Set) or not listed.elts:
            raise ValueError("after 'in' stands a list of values in parentheses, with a comma after a single one")
        for value in listed.elts:
            if not isinstance(value, ast.Constant | ast.UnaryOp) or self.kind(value) != kind:
                raise ValueError(f"'{ast.unparse(value)}' is no {kind}")

    def _call(self, node: ast.expr) -> str:
        assert isinstance(node, ast.Call)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords:
            raise ValueError(f"'{ast.unparse(node)}': the functions are {', '.join(FUNCTIONS)}")
        wanted, result = FUNCTIONS[name]
        if len(node.args) != len(wanted):
            raise ValueError(f"{name} takes {len(wanted)} argument{'s' if len(wanted) > 1 else ''}")
        for argument, kind in zip(node.args, wanted, strict=True):
            self._expect(argument, "string" if kind == "literal" else kind)
            if kind == "literal" and not isinstance(argument, ast.Constant):
                raise ValueError(f"{name}: '{ast.unparse(argument)}' must be text in quotes")
        return result

    def _expect(self, node: ast.expr, wanted: str) -> str:
        found = self.kind(node)
        if found != wanted:
            raise ValueError(f"'{ast.unparse(node)}' is a {found} and must be a {wanted}")
        return found


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"'{text}' is no time: write it as 2026-01-31 or 2026-01-31T12:00:00Z") from error
