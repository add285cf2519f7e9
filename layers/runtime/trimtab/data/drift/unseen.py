"""Whether more rows have a new level than a sample of the reference's size would leave for later anyway."""

import math

from trimtab.data.drift.chi_square import upper_gamma
from trimtab.data.levels import LevelCounts

_MANY = 1_000
"""Rows from which on Poisson's distribution is taken for normal."""


def unseen_p_value(reference: LevelCounts, current: LevelCounts) -> float:
    """Probability of so many rows with new levels when both samples come from one distribution.

    A reference never has all levels that there are: the share of rows whose level it lacks is about the share of its
    own rows whose level occurs once (Good 1953). The rows with new levels are held against Poisson's distribution of
    that mean. Rows of one new level are taken as independent, so that a level that comes in clumps looks more certain
    than it is. Range: 0 to 1; no rows on either side: 1.
    """
    depth = max(reference.depth, current.depth)
    known, seen = reference.at_depth(depth).counts, current.at_depth(depth).counts
    kept, rows = sum(known.values()), sum(seen.values())
    if not kept or not rows:
        return 1.0
    new = sum(count for level, count in seen.items() if level not in known)
    single = sum(count == 1 for count in known.values())
    return _poisson_tail(new, rows * (single + 1) / (kept + 1))


def _poisson_tail(count: int, mean: float) -> float:
    if not count:
        return 1.0
    if max(count, mean) > _MANY:
        return 0.5 * math.erfc((count - 0.5 - mean) / math.sqrt(2 * mean))
    return max(1.0 - upper_gamma(count, mean), 0.0)
