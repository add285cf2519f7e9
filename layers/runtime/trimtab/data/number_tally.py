"""A column of numbers while it streams by: fast, and at the end the same sketch as `ValueSketch.of` all its numbers.

Integers of small span are counted by place. Other numbers are counted one by one until there are too many different
ones; from then on their cells (see `trimtab.data.sketch`) are counted by place too, in a window around the first
numbers seen. What falls outside the window goes the slow way and is merged in, so the window decides nothing but speed.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trimtab.data.kernel import kernel
from trimtab.data.kernel.protocol import FEW
from trimtab.data.moments import Moments
from trimtab.data.sketch import INTEGER_SPAN, Floats, Integers, ValueSketch

SLICE: Final = 16_384
"""Numbers that are sorted at a time while a column is counted one by one."""
WINDOW: Final = 32_768
"""Cells of either sign that a window has at most: 512 KB a column."""
_BINADE_BITS: Final = 52
"""Mantissa bits of a float64."""
_MARGIN_BINADES: Final = 2


class NumberTally:
    """Moments and sketch of finite numbers, batch by batch."""

    def __init__(self) -> None:
        self._moments = Moments()
        self._sketch = ValueSketch()
        self._places: _Places | None = None
        self._window: _Window | None = None

    def add(self, values: npt.NDArray[Any], extremes: tuple[Any, Any]) -> None:
        """The next numbers, at least one, and the smallest and largest of them."""
        if values.dtype.kind in "iu":
            self._add_integers(values, int(extremes[0]), int(extremes[1]))
        else:
            self._add_by_value(values, extremes)

    def _add_integers(self, values: npt.NDArray[Any], low: int, high: int) -> None:
        if self._places is None and not len(self._sketch.keys):
            self._places = _Places(low)
        if self._places is None or not self._places.reach(low, high):
            self._leave_places()
            self._add_by_value(values, (low, high))
        else:
            self._places.add(values)

    def _leave_places(self) -> None:
        """Integers turned out to be spread too widely to be counted by place."""
        if self._places is not None:
            self._moments, self._sketch = self._places.moments, self._places.sketch
            self._places = None

    def _add_by_value(self, values: npt.NDArray[Any], extremes: tuple[Any, Any]) -> None:
        self._moments = self._moments.merge(Moments.between(values, extremes))
        rest = values
        while self._window is None and len(rest):
            rest = self._add_one_by_one(rest)
            if not self._sketch.exact:
                self._window = _Window.around(self._sketch)
        if self._window is not None and len(rest):
            self._window.add(np.ascontiguousarray(rest, np.float64))

    def _add_one_by_one(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The numbers that are left once some of them have been counted apart."""
        if 0 < len(self._sketch.keys) < FEW and values.dtype.kind == "f":
            counted = kernel().count_few(np.ascontiguousarray(values, np.float64))
            if counted is not None:
                self._sketch = self._sketch.merge(ValueSketch.counted(*counted))
                return values[:0]
        self._sketch = self._sketch.merge(ValueSketch.of(values[:SLICE]))
        return values[SLICE:]

    @property
    def moments(self) -> Moments:
        """Of all numbers so far."""
        return self._moments if self._places is None else self._places.moments

    @property
    def sketch(self) -> ValueSketch:
        """Of all numbers so far."""
        if self._places is not None:
            return self._places.sketch
        return self._sketch if self._window is None else self._sketch.merge(self._window.sketch)


class _Places:
    """Integers counted by their distance from the smallest."""

    def __init__(self, low: int) -> None:
        self._low = low
        self._counts: Integers = np.zeros(1, np.int64)

    def reach(self, low: int, high: int) -> bool:
        """Whether there are places from ``low`` to ``high`` too, as far as the span allows."""
        first, last = min(low, self._low), max(high, self._low + len(self._counts) - 1)
        if last - first >= INTEGER_SPAN or max(abs(first), abs(last)) > 1 << 53:
            return False
        if last - first >= len(self._counts):
            grown = np.zeros(last - first + 1, np.int64)
            grown[self._low - first : self._low - first + len(self._counts)] = self._counts
            self._low, self._counts = first, grown
        return True

    def add(self, values: npt.NDArray[Any]) -> None:
        """The next integers, all within reach."""
        kernel().add_places(self._counts, np.ascontiguousarray(values, np.int64), self._low)

    @property
    def _seen(self) -> tuple[Integers, Integers]:
        places = np.flatnonzero(self._counts)
        return places + self._low, self._counts[places]

    @property
    def moments(self) -> Moments:
        return Moments.of(*self._seen)

    @property
    def sketch(self) -> ValueSketch:
        values, counts = self._seen
        return ValueSketch.counted(values, counts)


class _Window:
    """Cells of one shift counted by place: of either sign, those whose magnitude lies near the first ones seen."""

    def __init__(self, shift: int, whole: bool, lowest: int, width: int) -> None:
        self._shift, self._lowest, self._width = shift, lowest, width
        self._counts: Integers = np.zeros(2 * width, np.int64)
        self._outside: list[Floats] = []
        self._rest = ValueSketch(whole=whole)
        self._registers = ValueSketch().hashed()

    @classmethod
    def around(cls, sketch: ValueSketch) -> "_Window":
        """A window that holds the cells of a coarse sketch and some more."""
        cells = np.where(sketch.keys < 0, -1 - sketch.keys, sketch.keys)
        first, last = np.sort(cells)[[len(cells) // 100, -1]].tolist()
        margin = min(last - first, _MARGIN_BINADES << max(_BINADE_BITS - sketch.shift, 0))
        highest = last + margin
        lowest = max(first - margin, highest - WINDOW + 1, 1)
        return cls(sketch.shift, sketch.whole, lowest, highest - lowest + 1)

    def add(self, values: Floats) -> None:
        """The next numbers."""
        outside = kernel().add_cells(self._counts, self._registers, self._shift, self._lowest, values)
        if len(outside):
            self._put_aside(outside)

    def _put_aside(self, values: Floats) -> None:
        self._outside.append(values.copy())  # they stand in memory as large as the batch
        if sum(map(len, self._outside)) > SLICE:
            self._rest, self._outside = self._all_outside(), []

    def _all_outside(self) -> ValueSketch:
        if not self._outside:
            return self._rest
        return self._rest.merge(ValueSketch.of(np.concatenate(self._outside)))

    @property
    def sketch(self) -> ValueSketch:
        """Of the numbers added to the window."""
        seen = np.flatnonzero(self._counts)
        cells = np.where(seen < self._width, seen, seen - self._width) + self._lowest
        keys = np.where(seen < self._width, cells, -1 - cells)
        order = np.argsort(keys)
        counted = ValueSketch(self._shift, keys[order], self._counts[seen][order], self._registers, self._rest.whole)
        return counted.fitted().merge(self._all_outside())
