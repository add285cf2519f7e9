"""Change of the missing rate."""

import math


def missing_rate_change(reference_missing: int, reference_rows: int, current_missing: int, current_rows: int) -> float:
    """Share of missing values now minus the share in the reference.

    Unit: share of rows (0.01 is one percentage point); range: -1 to 1. No rows on either side: NaN. NaN values count
    as missing.
    """
    if not reference_rows or not current_rows:
        return math.nan
    return current_missing / current_rows - reference_missing / reference_rows
