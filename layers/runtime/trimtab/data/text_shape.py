"""Patterns that spell out one run of characters for each place, checked for a whole batch of texts at once.

Identifiers are often of this form (``EV[0-9]{12}``). Any other pattern, and any batch in which a text has another
length, is left to the regular expression engine, which is exact but takes some ten times as long.
"""

import re
from dataclasses import dataclass
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from trimtab.data.kernel import kernel

LONGEST: Final = 64
"""Places that a shape has at most."""
_ASCII: Final = 128
_ROWS: Final = 4_096
"""Texts that are compared at once."""
_OFFSETS: Final = {pa.string(): np.int32, pa.large_string(): np.int64}

Allowed = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Shape:
    """Texts of one length; at each place stands one of a run of characters."""

    lowest: Bytes
    """First character of the run at each place, for ``_ROWS`` texts after each other; shape (rows * length)."""
    above: Bytes
    """How many characters follow it in the run."""
    length: int

    def is_of_all(self, texts: pa.Array) -> bool:
        """Whether every text has the shape; False also for an array that cannot be looked at this way."""
        block = _block(texts, self.length)
        return block is not None and kernel().is_within(block, self.lowest, self.above)


def shape_of(pattern: str) -> Shape | None:
    """The shape that the pattern spells out; None when it is not of this form."""
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError):
        return None
    places = None if parsed.state.flags & ~re.UNICODE.value else _places(parsed)
    if not places:
        return None
    lowest, above = (np.array(part, np.uint8) for part in zip(*places, strict=True))
    return Shape(np.tile(lowest, _ROWS), np.tile(above, _ROWS), len(places))


def _block(texts: pa.Array, length: int) -> Bytes | None:
    """The bytes of plain texts that all have the length and are all there, one after another; None for any other."""
    if texts.type not in _OFFSETS or texts.null_count or not len(texts):
        return None
    _, offsets_buffer, data = texts.buffers()
    offsets = np.frombuffer(offsets_buffer, _OFFSETS[texts.type])[texts.offset : texts.offset + len(texts) + 1]
    if data is None or not (np.diff(offsets) == length).all():
        return None
    return np.frombuffer(data, np.uint8, len(texts) * length, int(offsets[0]))


Place = tuple[int, int]
"""The first character of a run, and how many follow it."""


def _places(parsed: Any) -> list[Place] | None:
    found: list[Place] = []
    for code, argument in parsed:
        more = _repeated(argument) if code is codes.MAX_REPEAT else _single(code, argument)
        if more is None or len(found) + len(more) > LONGEST:
            return None
        found += more
    return found


def _repeated(argument: Any) -> list[Place] | None:
    least, most, item = argument
    places = _places(item) if least == most and 0 < most <= LONGEST else None
    return None if places is None else places * int(most)


def _single(code: Any, argument: Any) -> list[Place] | None:
    """One place: a literal, one range or ``\\d``, if they are ASCII, where one character is one byte."""
    if code is codes.IN and len(argument) == 1:
        code, argument = argument[0]
    if code is codes.LITERAL and argument < _ASCII:
        return [(argument, 0)]
    if code is codes.RANGE and argument[1] < _ASCII:
        return [(argument[0], argument[1] - argument[0])]
    return [(ord("0"), 9)] if argument is codes.CATEGORY_DIGIT else None
