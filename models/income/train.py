"""Is this person at work? Boosted trees by XGBoost, as many as help on rows that they have not seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray

from trimtab.authoring import balanced_weights, train

SET_ASIDE = 0.15


def fit(
    features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int
) -> xgboost.XGBClassifier:
    """Early stopping on a drawn part of the rows finds the number of trees; then all rows are learned from."""
    weights = balanced_weights(label) if hyperparameters["class_weights"] == "balanced" else np.ones(len(label))
    offsets = offsets_of(label, weights)
    aside = np.random.default_rng(seed).random(len(label)) < SET_ASIDE
    trial = trees(int(hyperparameters["trees"]), hyperparameters, seed)
    trial.set_params(early_stopping_rounds=int(hyperparameters["patience"]), eval_metric="logloss")
    trial.fit(
        features[~aside],
        label[~aside],
        sample_weight=weights[~aside],
        base_margin=offsets[~aside],
        eval_set=[(features[aside], label[aside])],
        sample_weight_eval_set=[weights[aside]],
        base_margin_eval_set=[offsets[aside]],
        verbose=False,
    )
    number = trial.best_iteration + 1
    print(f"trees={number}", flush=True)
    return trees(number, hyperparameters, seed).fit(features, label, sample_weight=weights, base_margin=offsets)


def offsets_of(label: pd.Series, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the weights add to everybody's log-odds, shape (n,).

    It is given to the trees while they learn and not when they are asked, so that they answer with the probabilities of
    the real world and not of one in which both classes are equally frequent.
    """
    of_class = {value: float(weights[label == value].mean()) for value in (0, 1)}
    return np.full(len(label), np.log(of_class[1] / of_class[0]))


def trees(number: int, hyperparameters: Mapping[str, Any], seed: int) -> xgboost.XGBClassifier:
    """An unfitted model of so many trees, which begins at even odds: the offsets are where learning begins."""
    return xgboost.XGBClassifier(
        n_estimators=number,
        learning_rate=float(hyperparameters["learning_rate"]),
        max_depth=int(hyperparameters["max_depth"]),
        subsample=float(hyperparameters["subsample"]),
        base_score=0.5,
        tree_method="hist",
        random_state=seed,
    )


if __name__ == "__main__":
    train(fit)
