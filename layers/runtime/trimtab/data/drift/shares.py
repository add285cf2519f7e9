"""Counts per bin as shares that a logarithm can take."""

from collections.abc import Sequence

import numpy as np

from trimtab.data.sketch import Floats, Integers

FLOOR = 1e-4
"""Smallest share of a bin: an empty bin would make the logarithm infinite."""


def floored_shares(counts: Sequence[int] | Integers) -> Floats:
    """Counts (shape: bins) divided by their sum, each at least ``FLOOR``; they may sum to slightly over 1."""
    numbers = np.asarray(counts, dtype=np.float64)
    shares: Floats = np.maximum(numbers / max(numbers.sum(), 1.0), FLOOR)
    return shares
