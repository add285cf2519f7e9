"""Weights that make rare classes count as much as frequent ones."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


def balanced_weights(label: "pd.Series[Any]") -> "np.ndarray[Any, Any]":
    """One weight a row, shape (n,): the same total for every class, 1 on average.

    Weighted models give probabilities of a balanced world: ``restore_odds`` turns them back.
    """
    counts = label.map(label.value_counts())
    return (len(label) / (label.nunique() * counts)).to_numpy(dtype="float64")


def restore_odds(model: Any, label: "pd.Series[Any]") -> Any:
    """The binary model, fitted with ``balanced_weights`` of ``label``, answers with the odds of the rows as they are.

    Such weights multiply everybody's odds by the same number, which is taken out of the constant that the model adds.
    Works on HistGradientBoostingClassifier, whose constant has no public name, and on LogisticRegression; raises
    TypeError for other models. Of a pipeline give the last step.
    """
    import math

    positive = int((label == 1).sum())
    offset = math.log(positive / (len(label) - positive))
    for name in ("_baseline_prediction", "intercept_"):
        if hasattr(model, name):
            setattr(model, name, getattr(model, name) + offset)
            return model
    raise TypeError(f"the odds of {type(model).__name__} are not known here: calibrate it, or judge it by rank metrics")
