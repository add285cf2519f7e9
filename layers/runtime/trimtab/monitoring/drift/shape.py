"""Whether one distribution of numbers is another one in a different unit."""

from typing import Final

import numpy as np

from trimtab.data.sketch import Floats, ValueSketch
from trimtab.monitoring.drift.units import Conversion

DIFFERENT: Final = 0.4
"""Mean distance of quantiles, in interquartile ranges of before, from which on a unit is asked about."""
LARGE_LEFT: Final = 0.2
"""Share of the distance that may be left after a conversion that the world does not do by itself."""
SMALL_LEFT: Final = 0.25
"""The same of one that it may do, where the values themselves are others too."""
NEAR: Final = 0.5
"""Distance after a conversion, in interquartile ranges of what is converted."""
KEPT: Final = 0.9
"""Share of rows whose very value occurred before, from which on the unit is taken to be the same."""
_SHARES: Final = np.linspace(0.01, 0.99, 99)
_FIT_LEFT: Final = 0.01
"""Mean residual of a straight line through the quantiles, as a share of their own spread."""
_FIT_SCALE: Final = 3.0


def without_usual(before: ValueSketch, now: ValueSketch) -> tuple[ValueSketch, ValueSketch]:
    """Both without the value that most rows have on both sides, as 0 of what is rare; unchanged where there is none.

    Also unchanged when fewer than 99 rows on either side have another value.
    """
    usual = _usual(before)
    if usual is None or usual != _usual(now):
        return before, now
    rest = [_without(side, usual) for side in (before, now)]
    return (rest[0], rest[1]) if min(side.total for side in rest) >= len(_SHARES) else (before, now)


def _usual(sketch: ValueSketch) -> float | None:
    if not sketch.exact or not len(sketch.counts):
        return None
    commonest = int(np.argmax(sketch.counts))
    return float(sketch.values[commonest]) if 2 * sketch.counts[commonest] > sketch.total else None


def _without(sketch: ValueSketch, value: float) -> ValueSketch:
    kept = sketch.values != value
    return ValueSketch(0, sketch.keys[kept], sketch.counts[kept], whole=sketch.whole)


def away(before: ValueSketch, now: ValueSketch) -> float:
    """Mean distance of the 99 percentiles, in interquartile ranges of before; 0 without numbers on either side."""
    if not before.total or not now.total:
        return 0.0
    return _distance(before.quantiles(_SHARES), now.quantiles(_SHARES))


def looks_converted(before: ValueSketch, now: ValueSketch, conversion: Conversion) -> bool:
    """Whether the numbers now are near those before in another unit, and far from those before in their own."""
    if not before.total or not now.total:
        return False
    was, found = before.quantiles(_SHARES), now.quantiles(_SHARES)
    turned = conversion.apply(was)
    plain, left = _absolute(was, found), _absolute(turned, found)
    allowed = LARGE_LEFT if conversion.is_large else SMALL_LEFT
    return left <= allowed * plain and _distance(turned, found) <= NEAR


def fitted_scale(before: ValueSketch, now: ValueSketch) -> tuple[float, float] | None:
    """Factor and shift when a straight line turns one set of quantiles into the other and its factor is far from 1."""
    if min(before.total, now.total) < len(_SHARES):
        return None
    was, found = before.quantiles(_SHARES), now.quantiles(_SHARES)
    if not np.ptp(was) or not np.ptp(found):
        return None
    factor, shift = np.polyfit(was, found, 1)
    left = float(np.mean(np.abs(found - factor * was - shift)))
    if factor <= 0 or 1 / _FIT_SCALE < factor < _FIT_SCALE or left > _FIT_LEFT * float(np.ptp(found)):
        return None
    return float(factor), float(shift)


def is_lattice_kept(before: ValueSketch, now: ValueSketch) -> bool:
    """Whether nearly all numbers now are among those before, as rounded measurements are while their unit stays.

    False where they are too many to be counted apart.
    """
    if not (before.exact and now.exact):
        return False
    known = np.isin(now.values, before.values)
    return float(now.counts[known].sum()) >= KEPT * now.total


def _distance(before: Floats, now: Floats) -> float:
    spread = float(before[74] - before[24]) or float(before[-1] - before[0])
    return _absolute(before, now) / (spread or max(abs(float(before[0])), 1.0))


def _absolute(before: Floats, now: Floats) -> float:
    return float(np.mean(np.abs(now - before)))
