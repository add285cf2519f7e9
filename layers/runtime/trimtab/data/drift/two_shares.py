"""Whether a share has changed: the evidence for a change of the missing rate."""

import math

from trimtab.data.drift.chi_square import LEAST_EXPECTED, chi_square

_PRECISION = 1e-17


def shares_p_value(reference_hits: int, reference_rows: int, current_hits: int, current_rows: int) -> float:
    """Probability of two shares at least so far apart when both samples have one share.

    Pearson's chi-square test of the two-by-two table where every cell expects five rows; otherwise Fisher's (1922)
    exact test, twice its smaller tail. Range: 0 to 1. No rows on either side: 1, nothing can be told.
    """
    if not reference_rows or not current_rows:
        return 1.0
    hits, rows = reference_hits + current_hits, reference_rows + current_rows
    if min(hits, rows - hits) * min(reference_rows, current_rows) >= LEAST_EXPECTED * rows:
        left = (reference_hits, reference_rows - reference_hits)
        return chi_square(left, (current_hits, current_rows - current_hits)).p_value
    if current_hits * rows >= hits * current_rows:
        return min(2 * _upper_tail(current_hits, current_rows, hits, rows), 1.0)
    return min(2 * _upper_tail(reference_hits, reference_rows, hits, rows), 1.0)


def _upper_tail(seen: int, drawn: int, hits: int, rows: int) -> float:
    """Chance of ``seen`` hits or more among ``drawn`` of all ``rows``, which hold ``hits``; at or above their mean."""
    log = _log_choose(hits, seen) + _log_choose(rows - hits, drawn - seen) - _log_choose(rows, drawn)
    term = total = math.exp(log)
    for more in range(seen, min(drawn, hits)):
        term *= (hits - more) * (drawn - more) / ((more + 1) * (rows - hits - drawn + more + 1))
        total += term
        if term <= total * _PRECISION:  # terms above the mean only shrink
            break
    return total


def _log_choose(rows: int, chosen: int) -> float:
    return math.lgamma(rows + 1) - math.lgamma(chosen + 1) - math.lgamma(rows - chosen + 1)
