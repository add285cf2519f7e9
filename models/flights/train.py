"""Will this flight arrive 15 minutes late or more? Gradient-boosted trees on schedule and weather."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from trimtab.authoring import train

CATEGORIES = ["carrier", "origin", "dest"]


def fit(features: pd.DataFrame, label: pd.Series, hyperparameters: Mapping[str, Any], seed: int) -> Pipeline:
    """Categories become codes (an unseen one counts as missing); numbers go in as they are, gaps included."""
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    columns = make_column_transformer((encoder, CATEGORIES), remainder="passthrough")
    trees = HistGradientBoostingClassifier(
        categorical_features=list(range(len(CATEGORIES))),
        learning_rate=float(hyperparameters["learning_rate"]),
        max_iter=int(hyperparameters["max_iter"]),
        max_depth=int(hyperparameters["max_depth"]),
        min_samples_leaf=int(hyperparameters["min_samples_leaf"]),
        max_features=float(hyperparameters["max_features"]),
        l2_regularization=10.0,
        early_stopping=False,
        random_state=seed,
    )
    return make_pipeline(columns, trees).fit(features, label)


if __name__ == "__main__":
    train(fit)
