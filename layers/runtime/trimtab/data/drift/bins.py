"""Two column profiles as two tallies over the same bins."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trimtab.data.batch import sorted_counts
from trimtab.data.profile import TOP_LEVELS, CategoryProfile, NumberProfile
from trimtab.data.sketch import Floats

MISSING = "missing"
OTHER = "other"


@dataclass(frozen=True)
class Bins:
    """Rows of a reference and of a current column in the same bins, the missing in a bin of their own (the last)."""

    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]


def number_bins(reference: NumberProfile, current: NumberProfile) -> Bins:
    """Ten quantile bins of the reference, open at both ends, and one of what is missing or infinite.

    Quantiles that coincide are one edge, so a column with few distinct numbers has fewer bins; a constant reference
    has two (below it, and it or above). A reference without numbers has one bin for all numbers.
    """
    shift = max(reference.sketch.shift, current.sketch.shift)
    known, seen = reference.sketch.at_shift(shift), current.sketch.at_shift(shift)
    cuts = _cuts(known.quantiles(np.linspace(0, 1, 11)))
    return Bins(
        labels=(*_interval_labels(cuts), MISSING),
        reference=(*known.histogram(cuts).tolist(), reference.missing + reference.infinite),
        current=(*seen.histogram(cuts).tolist(), current.missing + current.infinite),
    )


def category_bins(reference: CategoryProfile, current: CategoryProfile) -> Bins:
    """The 30 commonest levels of the reference, one bin of all other levels, and one of what is missing.

    Missing takes the place of a level when it is among the 30 commonest itself.
    """
    depth = max(reference.levels.depth, current.levels.depth)
    known, seen = reference.levels.at_depth(depth), current.levels.at_depth(depth)
    top = known.top(TOP_LEVELS)
    if len(top) == TOP_LEVELS and reference.missing > top[-1][1]:
        top = top[:-1]
    levels = [level for level, _ in top]
    return Bins(
        labels=(*levels, OTHER, MISSING),
        reference=(*known.tally(levels), reference.missing),
        current=(*seen.tally(levels), current.missing),
    )


def _cuts(edges: Floats) -> Floats:
    distinct = sorted_counts(edges)[0]
    return distinct[1:-1] if len(distinct) > 2 else distinct[:1]


def _interval_labels(cuts: Floats) -> list[str]:
    if not len(cuts):
        return ["any"]
    texts = [f"{cut:.6g}" for cut in cuts]
    between = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *between, f"{texts[-1]} or more"]
