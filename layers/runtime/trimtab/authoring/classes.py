"""Weights that make rare classes count as much as frequent ones."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def balanced_weights(label: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """One weight a row, shape (n,): the same total for every class, 1 on average.

    Weighted models give probabilities of a balanced world: calibrate them, or judge them by rank metrics alone.
    """
    counts = label.map(label.value_counts())
    return (len(label) / (label.nunique() * counts)).to_numpy(dtype="float64")
