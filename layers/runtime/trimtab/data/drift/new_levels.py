"""Levels that the reference never saw."""

import math

from trimtab.data.levels import LevelCounts


def new_level_share(reference: LevelCounts, current: LevelCounts) -> float:
    """Share of the present rows whose level does not occur in the reference.

    Unit: share of rows; range: 0 to 1. No rows with a level on the current side: NaN; none in the reference: 1. Exact
    while both keep all their levels; otherwise estimated from the levels that both samples keep, which are a random
    choice of levels, not of rows, so a few common new levels may be missed or weigh too much. Missing values are no
    level.
    """
    if not current.total:
        return math.nan
    depth = max(reference.depth, current.depth)
    known, seen = reference.at_depth(depth).counts, current.at_depth(depth).counts
    kept = sum(seen.values())
    new = sum(count for level, count in seen.items() if level not in known)
    return new / kept if kept else 0.0
