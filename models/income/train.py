"""Is this person at work? Boosted trees by XGBoost, as many as help on rows that they have not seen."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from trimtab.authoring import balanced_weights, train

SET_ASIDE = 0.15


def fit(
    features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int
) -> xgboost.XGBClassifier:
    """Both classes count the same. Early stopping on a drawn part finds how many trees, then all rows are learned.

    The weights add the offset to everybody's log-odds. It is given to the trees while they learn and not when they are
    asked, so that they answer with probabilities of the real world and not of one with equally frequent classes.
    """
    weights = balanced_weights(label)
    offsets = np.full(len(label), np.log((label == 0).sum() / (label == 1).sum()))
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


def trees(number: int, hyperparameters: Mapping[str, Any], seed: int) -> xgboost.XGBClassifier:
    """An unfitted model of so many trees that begins at even odds, since learning begins at the offsets."""
    return xgboost.XGBClassifier(
        n_estimators=number,
        learning_rate=float(hyperparameters["learning_rate"]),
        max_depth=int(hyperparameters["max_depth"]),
        subsample=float(hyperparameters["subsample"]),
        base_score=0.5,
        random_state=seed,
    )


if __name__ == "__main__":
    train(fit)
