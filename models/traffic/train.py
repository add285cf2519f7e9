"""How many vehicles will pass in this hour? Gradient-boosted trees, as many as help in the weeks that follow."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from trimtab.authoring import train

SET_ASIDE = 0.15
PATIENCE = 20


def fit(
    features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int
) -> HistGradientBoostingRegressor:
    """Early stopping looks at the last rows in time, since neighbouring hours are alike; then all rows are learned."""
    cut = int(len(label) * (1 - SET_ASIDE))
    trial = trees(hyperparameters, seed, early_stopping=True, n_iter_no_change=PATIENCE)
    trial.fit(features[:cut], label[:cut], X_val=features[cut:], y_val=label[cut:])
    number = max(trial.n_iter_ - PATIENCE, 1)
    print(f"trees={number}", flush=True)
    return trees(hyperparameters, seed, early_stopping=False, max_iter=number).fit(features, label)


def trees(hyperparameters: Mapping[str, Any], seed: int, **more: Any) -> HistGradientBoostingRegressor:
    """An unfitted model."""
    settings = {
        "learning_rate": float(hyperparameters["learning_rate"]),
        "max_iter": int(hyperparameters["max_iter"]),
        "max_leaf_nodes": int(hyperparameters["max_leaf_nodes"]),
        "min_samples_leaf": int(hyperparameters["min_samples_leaf"]),
        "random_state": seed,
    }
    return HistGradientBoostingRegressor(**settings | more)


if __name__ == "__main__":
    train(fit)
