"""Whether one distribution of numbers is another one in a different unit."""

import math
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
LARGE_NEAR: Final = 5.0
"""Distance after such a conversion, in interquartile ranges of what is converted."""
SMALL_NEAR: Final = 1.0
KEPT: Final = 0.9
"""Share of rows whose very value occurred before, from which on the unit is taken to be the same."""
_SHARES: Final = np.linspace(0.01, 0.99, 99)
_FIT_LEFT: Final = 0.01
"""Mean residual of a straight line through the quantiles, as a share of their own spread."""
_FIT_SCALE: Final = 3.0
_FIT_SHIFT: Final = 0.1
"""Largest shift beside the factor, in interquartile ranges of now."""


def is_mostly_one(sketch: ValueSketch) -> bool:
    """Whether more than half of the numbers are one and the same, as of what is rare; False in a coarse sketch."""
    return sketch.exact and bool(len(sketch.counts)) and 2 * int(sketch.counts.max()) > sketch.total


def away(before: ValueSketch, now: ValueSketch) -> float:
    """Mean distance of the 99 percentiles, in interquartile ranges of before; 0 without numbers on either side."""
    if not before.total or not now.total:
        return 0.0
    return _distance(before.quantiles(_SHARES), now.quantiles(_SHARES))


def left_after(before: ValueSketch, now: ValueSketch, conversion: Conversion) -> float:
    """Share of the distance that is left when the numbers before are converted; infinite when that explains nothing.

    A conversion explains when little is left, and no more than a season may have moved the numbers meanwhile.
    """
    if not before.total or not now.total:
        return math.inf
    was, found = before.quantiles(_SHARES), now.quantiles(_SHARES)
    turned = conversion.apply(was)
    plain = _absolute(was, found)
    left = _absolute(turned, found) / plain if plain else math.inf
    most, near = (LARGE_LEFT, LARGE_NEAR) if conversion.is_large else (SMALL_LEFT, SMALL_NEAR)
    return left if left <= most and _distance(turned, found) <= near else math.inf


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
    if abs(shift) > _FIT_SHIFT * float(found[74] - found[24]):  # narrower or wider around another place: drift
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
