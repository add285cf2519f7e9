"""The rules of composite alarms: ALARM(...), OK(...) and INSUFFICIENT_DATA(...) with AND, OR, NOT and parentheses."""

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<double>[^\"]+)\"|'(?P<single>[^']+)'|(?P<bare>[^\s()]+))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b|(?P<mark>[()]))"
)

Test = Callable[[Callable[[str], str]], bool]


class InvalidRule(ValueError):
    """Raised for an alarm rule that cannot be parsed."""


@dataclass(frozen=True)
class CompositeRule:
    """A parsed rule: the alarms it names, and whether it holds when `state_of` tells their states."""

    names: tuple[str, ...]
    holds: Test


@functools.lru_cache(maxsize=512)
def parse(text: str) -> CompositeRule:
    """The rule that `text` writes. Raises InvalidRule."""
    return _Parser(text).rule()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._next = 0
        self._names: list[str] = []

    def rule(self) -> CompositeRule:
        holds = self._either()
        if self._next < len(self._tokens):
            raise InvalidRule(f"Unexpected {self._tokens[self._next][0]!r} in alarm rule {self._text!r}")
        return CompositeRule(tuple(dict.fromkeys(self._names)), holds)

    def _either(self) -> Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return lambda state_of: any(test(state_of) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._take("AND"):
            tests.append(self._single())
        return lambda state_of: all(test(state_of) for test in tests)

    def _single(self) -> Test:
        if self._take("NOT"):
            negated = self._single()
            return lambda state_of: not negated(state_of)
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise InvalidRule(f"A closing parenthesis is missing in alarm rule {self._text!r}")
            return inner
        return self._leaf()

    def _leaf(self) -> Test:
        if self._next >= len(self._tokens):
            raise InvalidRule(f"Alarm rule {self._text!r} ends too early")
        kind, name = self._tokens[self._next]
        self._next += 1
        if kind in ("TRUE", "FALSE"):
            return lambda _state_of: kind == "TRUE"
        if name is None:
            raise InvalidRule(f"Unexpected {kind!r} in alarm rule {self._text!r}")
        self._names.append(name)
        return lambda state_of: state_of(name) == kind

    def _take(self, kind: str) -> bool:
        taken = self._next < len(self._tokens) and self._tokens[self._next] == (kind, None)
        self._next += taken
        return taken


def _tokens(text: str) -> Iterator[tuple[str, str | None]]:
    position = 0
    while text[position:].strip():
        found = _TOKEN.match(text, position)
        if found is None:
            raise InvalidRule(f"Alarm rule {text!r} cannot be read from {text[position:].strip()!r} on")
        position = found.end()
        name = found["double"] or found["single"] or found["bare"]
        yield (found["state"] or found["word"] or found["mark"]), (name.split(":alarm:")[-1] if name else None)
