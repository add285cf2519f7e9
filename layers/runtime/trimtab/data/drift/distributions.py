"""Two distribution functions side by side."""

from functools import lru_cache

import numpy as np

from trimtab.data.sketch import Floats, Integers, ValueSketch


@lru_cache(maxsize=1)  # two statistics of one column ask one after the other
def distribution_gaps(reference: ValueSketch, current: ValueSketch) -> tuple[Floats, Floats]:
    """Where either empirical distribution function jumps, rising, and how far apart the two are from there on.

    Both are read on the coarser grid of the two, and both have at least one number. Shapes: as many numbers as there
    are different cells in both. The caller must not change them.
    """
    shift = max(reference.shift, current.shift)
    left, right = reference.at_shift(shift), current.at_shift(shift)
    values = np.concatenate([left.values, right.values])
    order = np.argsort(values, kind="stable")  # two rising runs are merged
    values = values[order]
    last = np.append(values[1:] != values[:-1], True)  # of equal numbers
    is_left = order < len(left.values)
    counts = np.concatenate([left.counts, right.counts])[order]
    shares = [_up_to(np.where(mine, counts, 0)) for mine in (is_left, ~is_left)]
    return values[last], np.abs(shares[0] - shares[1])[last]


def _up_to(counts: Integers) -> Floats:
    """Share of the counts up to each place."""
    sums = np.cumsum(counts)
    shares: Floats = sums / sums[-1]
    return shares
