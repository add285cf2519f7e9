"""Many columns tested at once."""

import math
from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted so that the chance of any false alarm among all of them stays below the level they are held to.

    Holm (1979). It holds whatever the columns have to do with one another (they usually move together, which rules out
    corrections that ask for independence), and it never alarms less than Bonferroni. The Benjamini-Hochberg procedure
    would find more, but bounds the share of false alarms, not the chance of one; here one alarm is enough to retrain.

    Shape: as the input, in its order; range: 0 to 1. NaN (not tested) stays NaN and counts for nothing.
    """
    order = sorted((place for place, p in enumerate(p_values) if not math.isnan(p)), key=lambda place: p_values[place])
    adjusted = [math.nan] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(p_values[place] * (len(order) - rank), 1.0))
        adjusted[place] = largest
    return adjusted
