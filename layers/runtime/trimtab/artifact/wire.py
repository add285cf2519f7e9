"""Protocol Buffers' wire format, as much as it takes to look through a file: fields by number, nothing decoded twice.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIGN = 1 << 63


class WireError(ValueError):
    """Raised when bytes do not follow the format."""


@dataclass(frozen=True)
class Message:
    """A message whose fields are read when they are asked for."""

    body: memoryview

    @classmethod
    def of(cls, body: bytes) -> "Message":
        return cls(memoryview(body))

    @cached_property
    def _fields(self) -> dict[int, list[int | memoryview]]:
        found: dict[int, list[int | memoryview]] = {}
        for number, value in _fields(self.body):
            found.setdefault(number, []).append(value)
        return found

    def all(self, number: int) -> "list[Message]":
        """The messages in a repeated field."""
        return [Message(_as_bytes(value, number)) for value in self._fields.get(number, ())]

    def one(self, number: int) -> "Message":
        """The message in a field, an empty one when it is absent."""
        return (self.all(number) or [Message(memoryview(b""))])[-1]

    def text(self, number: int) -> str:
        values = self._fields.get(number)
        if not values:
            return ""
        try:
            return str(_as_bytes(values[-1], number), "utf-8")
        except UnicodeDecodeError as error:
            raise WireError(f"field {number} is no text") from error

    def number(self, field: int) -> int:
        """The integer in a field, 0 when it is absent."""
        return (self.numbers(field) or [0])[-1]

    def numbers(self, field: int) -> list[int]:
        """The integers of a repeated field, packed or not."""
        found: list[int] = []
        for value in self._fields.get(field, ()):
            found += [_signed(value)] if isinstance(value, int) else map(_signed, _packed(value))
        return found


def _signed(value: int) -> int:
    return value - (_SIGN << 1) if value >= _SIGN else value


def _as_bytes(value: int | memoryview, number: int) -> memoryview:
    if isinstance(value, int):
        raise WireError(f"field {number} is a number where bytes are expected")
    return value


def _fields(body: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(body):
        key, at = _varint(body, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(body, at)
            yield number, value
            continue
        size, at = _varint(body, at) if kind == _BYTES else (_size(kind), at)
        if not number or at + size > len(body):
            raise WireError(f"field {number} reaches beyond the end")
        part = body[at : at + size]
        at += size
        yield number, part if kind == _BYTES else struct.unpack("<Q" if size == 8 else "<I", part)[0]


def _size(kind: int) -> int:
    if kind not in (_FIXED64, _FIXED32):
        raise WireError(f"there is no wire type {kind}")
    return 8 if kind == _FIXED64 else 4


def _packed(body: memoryview) -> Iterator[int]:
    at = 0
    while at < len(body):
        value, at = _varint(body, at)
        yield value


def _varint(body: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at ``at``, and where the next one begins."""
    value = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise WireError("a number does not end")
