"""Will this flight arrive 15 minutes late or more? Boosted trees on schedule and weather, as many as help later on."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from trimtab.authoring import balanced_weights, restore_odds, train

CATEGORIES = ["carrier", "origin", "dest"]
SET_ASIDE = 0.15
PATIENCE = 20


def fit(features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int) -> Pipeline:
    """Late flights count as much as the others. Early stopping looks at the last rows in time; then all are learned.

    Categories become codes (an unseen one counts as missing); numbers go in as they are, gaps included.
    """
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = make_column_transformer((encoder, CATEGORIES), remainder="passthrough").fit(features)
    rows, weights = columns.transform(features), balanced_weights(label)
    cut = int(len(label) * (1 - SET_ASIDE))
    trial = trees(hyperparameters, seed, early_stopping=True, n_iter_no_change=PATIENCE)
    aside = {"X_val": rows[cut:], "y_val": label[cut:], "sample_weight_val": weights[cut:]}
    trial.fit(rows[:cut], label[:cut], sample_weight=weights[:cut], **aside)
    number = max(trial.n_iter_ - PATIENCE, 1)
    print(f"trees={number}", flush=True)
    model = trees(hyperparameters, seed, early_stopping=False, max_iter=number)
    return make_pipeline(columns, restore_odds(model.fit(rows, label, sample_weight=weights), label))


def trees(hyperparameters: Mapping[str, Any], seed: int, **more: Any) -> HistGradientBoostingClassifier:
    """An unfitted model."""
    settings = {
        "categorical_features": list(range(len(CATEGORIES))),
        "learning_rate": float(hyperparameters["learning_rate"]),
        "max_iter": int(hyperparameters["max_iter"]),
        "max_depth": int(hyperparameters["max_depth"]),
        "min_samples_leaf": int(hyperparameters["min_samples_leaf"]),
        "max_features": float(hyperparameters["max_features"]),
        "l2_regularization": 10.0,
        "random_state": seed,
    }
    return HistGradientBoostingClassifier(**settings | more)


if __name__ == "__main__":
    train(fit)
